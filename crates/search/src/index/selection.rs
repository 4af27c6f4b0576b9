use std::sync::Arc;

use roaring::RoaringBitmap;

use ken_base::domain::Filter;

/// Which chunks a search may return, resolved once and shared by both legs.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Selection {
    /// Where set, nothing else is admitted.
    pub only: Option<RoaringBitmap>,
    /// Never admitted.
    pub except: RoaringBitmap,
    /// The same said by what chunks are, for vectors that a server holds; absent where the keys were listed by hand.
    pub rules: Option<Arc<Rules>>,
}

/// What a chunk has to be to be admitted.
#[derive(Debug, Clone, PartialEq)]
pub struct Rules {
    /// What is asked for; `audience`, `channel` and `at` are spoken of by the fields below.
    pub filter: Filter,
    /// The rules of who may see what, of those there are, that keep who asks out.
    pub closed: Vec<String>,
    /// The time asked about, in milliseconds since 1970.
    pub at: i64,
}

impl Rules {
    /// What a filter asks for, at its time or now.
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
    pub fn admits(&self, key: u32) -> bool {
        self.only.as_ref().is_none_or(|only| only.contains(key)) && !self.except.contains(key)
    }

    /// Whether it admits everything.
    pub fn is_everything(&self) -> bool {
        self.only.is_none() && self.except.is_empty()
    }

    /// The admitted keys where they are listed, rather than all but some.
    pub fn listed(&self) -> Option<RoaringBitmap> {
        self.only.as_ref().map(|only| only - &self.except)
    }
}
