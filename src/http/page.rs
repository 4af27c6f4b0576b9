//! Pages of lists: limits, cursors, and the value of `next`.

use super::problem::{Fault, Problem};
use ken_store::store::TimeKey;

/// The page size of new lists if none is requested.
pub const DEFAULT_LIMIT: i64 = 100;
/// The largest page of new lists.
pub const MAX_LIMIT: i64 = 200;

/// A page of at most `limit` rows of the `limit + 1` that were read, and the cursor of its last row if there are more.
pub fn page_of<T>(
    mut rows: Vec<T>,
    limit: usize,
    cursor: impl Fn(&T) -> String,
) -> (Vec<T>, Option<String>) {
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| has_more).map(cursor);
    (rows, next)
}

/// The problem of an `after` that no page has returned.
pub fn wrong_cursor(found: &str) -> Problem {
    let detail = format!("expected `next` of the previous page, found {found:?}");
    Problem::invalid(vec![Fault::new("?after", detail)])
}

/// The cursor of an entry in a list by time: `1764442840000.job_…`.
pub fn time_cursor(at: jiff::Timestamp, id: &str) -> String {
    format!("{}.{id}", at.as_millisecond())
}

/// As [`time_cursor`], of a key.
pub fn cursor_of(key: &TimeKey) -> String {
    format!("{}.{}", key.at_ms, key.id)
}

/// Reads a cursor of [`time_cursor`]; 422 if it is none.
pub fn parse_time_cursor(after: Option<&str>) -> Result<Option<TimeKey>, Problem> {
    let Some(text) = after else { return Ok(None) };
    let key = text.split_once('.').and_then(|(at_ms, id)| {
        let at_ms = at_ms.parse().ok()?;
        let id = id.to_owned();
        Some(TimeKey { at_ms, id })
    });
    match key.filter(|key| !key.id.is_empty()) {
        Some(key) => Ok(Some(key)),
        None => Err(wrong_cursor(text)),
    }
}

/// The cursor of an entry in a list by rank, highest first: the bits of the rank, so that it is read back as it was, and
/// the id.
pub fn rank_cursor(rank: f64, id: &str) -> String {
    format!("{:016x}.{id}", rank.to_bits())
}

/// Reads a cursor of [`rank_cursor`]; 422 if it is none.
pub fn parse_rank_cursor(after: Option<&str>) -> Result<Option<(f64, String)>, Problem> {
    let Some(text) = after else { return Ok(None) };
    let key = text.split_once('.').and_then(|(bits, id)| {
        let rank = f64::from_bits(u64::from_str_radix(bits, 16).ok()?);
        (rank.is_finite() && !id.is_empty()).then(|| (rank, id.to_owned()))
    });
    key.map(Some).ok_or_else(|| wrong_cursor(text))
}

/// The entries after a cursor in a list by rank, highest first, then by id.
pub fn after_rank<T>(
    entries: Vec<T>,
    after: Option<&(f64, String)>,
    key: impl Fn(&T) -> (f64, &str),
) -> Vec<T> {
    let Some((rank, id)) = after else {
        return entries;
    };
    let is_after = |entry: &T| {
        let (own_rank, own_id) = key(entry);
        rank.total_cmp(&own_rank)
            .then_with(|| own_id.cmp(id.as_str()))
            .is_gt()
    };
    entries.into_iter().filter(is_after).collect()
}

/// Reads the position of an entry in its list, from 0; -1 without one, 422 if it is no number.
pub fn parse_position(after: Option<&str>) -> Result<i64, Problem> {
    let Some(text) = after else { return Ok(-1) };
    match text.parse() {
        Ok(position @ 0..) => Ok(position),
        _ => Err(wrong_cursor(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_are_read_back_and_others_refused() {
        let at = jiff::Timestamp::from_millisecond(1_764_442_840_123).unwrap();
        let key = parse_time_cursor(Some(&time_cursor(at, "a.b"))).unwrap();
        assert_eq!(
            key,
            Some(TimeKey {
                at_ms: 1_764_442_840_123,
                id: "a.b".into()
            })
        );
        let rank = parse_rank_cursor(Some(&rank_cursor(0.1 + 0.2, "d"))).unwrap();
        assert_eq!(rank, Some((0.1 + 0.2, "d".into())));
        for wrong in ["", "x", "x.y", "12.", "."] {
            assert!(parse_time_cursor(Some(wrong)).is_err(), "{wrong}");
            assert!(parse_position(Some(wrong)).is_err(), "{wrong}");
        }
        for wrong in ["", "x", "zz.y", "7ff8000000000000.a", "3ff0000000000000."] {
            assert!(parse_rank_cursor(Some(wrong)).is_err(), "{wrong}");
        }
        assert!(parse_position(Some("-1")).is_err());
    }

    #[test]
    fn ranked_entries_after_a_cursor_follow_it() {
        let entries = vec![(3.0, "b"), (2.0, "a"), (2.0, "c"), (1.0, "a")];
        let after = (2.0, "b".to_owned());
        let left = after_rank(entries, Some(&after), |(rank, id)| (*rank, *id));
        assert_eq!(left, [(2.0, "c"), (1.0, "a")]);
    }
}
