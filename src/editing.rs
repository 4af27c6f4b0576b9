//! What editors do with knowledge: import FAQs and see what each row would do, find what is said twice or
//! contradicts itself, see which answers a change would alter before it is live, and carry it elsewhere.

pub mod impact;
pub mod import;
pub mod lint;
pub mod portable;
pub mod replay;
