use roaring::RoaringBitmap;

/// Which chunks a search may return, resolved once and shared by both legs.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Selection {
    /// Where set, nothing else is admitted.
    pub only: Option<RoaringBitmap>,
    /// Never admitted.
    pub except: RoaringBitmap,
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
