//! The position in a database's log that a Debezium event comes from, as one number that grows.
use super::Failure;
use crate::json::Cursor;

/// Fields of `source` that tell a position, as text.
#[derive(Default)]
struct Fields<'a> {
    lsn: Option<&'a str>,
    gtid: Option<&'a str>,
    file: Option<&'a str>,
    pos: Option<&'a str>,
    commit_lsn: Option<&'a str>,
    change_lsn: Option<&'a str>,
}

/// Reads `source`. `None` if it tells no position.
///
/// `PostgreSQL` gives `lsn`. `MySQL` gives `gtid`, whose number after the colon grows, or the number of a log file
/// and a place in it. SQL Server gives two numbers, of the commit and of the change within it.
pub fn of(source: &mut Cursor<'_>) -> Result<Option<u128>, Failure> {
    if source.peek() != b'{' {
        source.skip()?;
        return Ok(None);
    }
    let mut fields = Fields::default();
    source.enter()?;
    let mut more = source.any(b'}')?;
    while more {
        let name = source.string()?;
        source.expect(b':', "\":\"")?;
        let raw = source.raw()?;
        let place = match &*name {
            "lsn" => &mut fields.lsn,
            "gtid" => &mut fields.gtid,
            "file" => &mut fields.file,
            "pos" => &mut fields.pos,
            "commit_lsn" => &mut fields.commit_lsn,
            "change_lsn" => &mut fields.change_lsn,
            _ => {
                more = source.more(b'}')?;
                continue;
            }
        };
        *place = (raw != "null").then_some(raw.trim_matches('"'));
        more = source.more(b'}')?;
    }
    Ok(fields.postgres().or_else(|| fields.mysql()).or_else(|| fields.sql_server()))
}

impl Fields<'_> {
    fn postgres(&self) -> Option<u128> {
        self.lsn?.parse().ok()
    }

    fn mysql(&self) -> Option<u128> {
        // A name between two colons is a tag, whose numbers are counted apart.
        if let Some((_, number)) = self.gtid.and_then(|gtid| gtid.split_once(':'))
            && let Ok(number) = number.trim().parse()
        {
            return Some(number);
        }
        let pos: u128 = self.pos?.parse().ok()?;
        let file =
            self.file.and_then(|file| file.rsplit_once('.')).map_or(Ok(0), |(_, number)| number.parse());
        let file: u128 = file.ok()?;
        (pos < 1 << FILE_SHIFT).then_some(file.checked_mul(1 << FILE_SHIFT)? | pos)
    }

    fn sql_server(&self) -> Option<u128> {
        let commit = self.commit_lsn.and_then(packed);
        let change = self.change_lsn.and_then(packed);
        if commit.is_none() && change.is_none() {
            return None;
        }
        Some(u128::from(commit.unwrap_or(0)) << 64 | u128::from(change.unwrap_or(0)))
    }
}

/// Bits of a place in a log file of `MySQL`, so that a later file counts more.
const FILE_SHIFT: u32 = 40;

/// Three hexadecimal numbers between colons, put together as clickhouse-kafka-connect does it, so that a table
/// which it filled can be filled on.
fn packed(text: &str) -> Option<u64> {
    let mut parts = text.split(':').map(|part| u64::from_str_radix(part.trim(), 16).ok());
    let (file, block, slot) = (parts.next()??, parts.next()??, parts.next()??);
    let fits = parts.next().is_none() && file < 1 << 24 && block < 1 << 32;
    fits.then_some(file << 40 | block << 8 | slot.min(0xFF))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &str, expected: Option<u128>) {
        let found = of(&mut Cursor::new(source)).unwrap_or_else(|_| panic!("{source} is JSON"));
        assert_eq!(found, expected, "{source}");
    }

    #[test]
    fn each_database_tells_its_position_in_its_own_way() {
        check(r#"{"connector":"postgresql","lsn":24023128,"txId":9}"#, Some(24_023_128));
        check(r#"{"gtid":"3e11fa47-71ca-11e1-9e33-c80aa9429562:42","file":"b.000001","pos":4}"#, Some(42));
        check(r#"{"gtid":null,"file":"mysql-bin.000003","pos":154}"#, Some((3 << 40) + 154));
        check(r#"{"file":"mysql-bin.x","pos":154}"#, None);
        check(
            r#"{"commit_lsn":"00000027:00000758:0005","change_lsn":"00000027:00000758:0003"}"#,
            Some((0x2700_0007_5805 << 64) | 0x2700_0007_5803),
        );
        check(r#"{"commit_lsn":"00000027:00000758:0005","change_lsn":null}"#, Some(0x2700_0007_5805 << 64));
        check(r#"{"commit_lsn":"00000027:zz:0005"}"#, None);
        check("{}", None);
        check("null", None);
        check(r#"{"lsn":null}"#, None);
    }
}
