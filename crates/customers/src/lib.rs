//! Customers: who wrote, and which identities are one customer. Only verified facts link; what somebody types is a claim,
//! which an agent may confirm and which inherits nothing.

#![deny(missing_docs)]

pub mod identify;
pub mod merging;
pub mod normalize;
pub mod tokens;
