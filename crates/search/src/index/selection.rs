//! The chunks that a search may return.

use std::sync::Arc;

use roaring::RoaringBitmap;

use ken_base::domain::Filter;

/// The chunks that a search may return: resolved once, used by keyword and vector search.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Selection {
    /// If set, only these keys are admitted.
    pub only: Option<RoaringBitmap>,
    /// These keys are never admitted.
    pub except: RoaringBitmap,
    /// The same selection as rules, for vectors on a server; `None` if the keys were listed by the caller.
    pub rules: Option<Arc<SelectionRules>>,
}

/// The conditions of a [`Selection`].
#[derive(Debug, Clone, PartialEq)]
pub struct SelectionRules {
    /// The filter. Its `audience`, `channel` and `at` are replaced by the fields below.
    pub filter: Filter,
    /// The rules of audience and channel in the index that exclude the caller.
    pub closed: Vec<String>,
    /// The time asked about, in milliseconds since 1970.
    pub at: i64,
}

impl SelectionRules {
    /// Returns the rules of a filter, at its time or now.
    pub(super) fn of(filter: &Filter, closed: Vec<String>) -> Self {
        let at = filter.at.unwrap_or_else(jiff::Timestamp::now);
        Self {
            filter: filter.clone(),
            closed,
            at: at.as_millisecond(),
        }
    }
}

impl Selection {
    /// Returns whether a chunk is admitted.
    pub fn admits(&self, key: u32) -> bool {
        self.only.as_ref().is_none_or(|only| only.contains(key)) && !self.except.contains(key)
    }

    /// Returns whether every chunk is admitted.
    pub fn is_everything(&self) -> bool {
        self.only.is_none() && self.except.is_empty()
    }

    /// Returns the admitted keys if they are listed; `None` if all but some are admitted.
    pub fn listed(&self) -> Option<RoaringBitmap> {
        self.only.as_ref().map(|only| only - &self.except)
    }
}
