//! Where a bucket is, and how keys stand in URLs.
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::access::Access;

/// Three to 63 letters, digits, points and hyphens. Old buckets have capitals and underscores.
pub fn is_bucket(name: &str) -> bool {
    (3..=63).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
        && name.starts_with(|first: char| first.is_ascii_alphanumeric())
}

/// The URL below which the objects of the bucket are, without a slash at its end.
pub fn base(bucket: &str, access: &Access, region: &str) -> String {
    if let Some(endpoint) = &access.endpoint {
        return format!("{}/{bucket}", endpoint.trim_end_matches('/'));
    }
    let service = if access.is_fips { "s3-fips" } else { "s3" };
    let suffix = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    // A certificate's star stands for one label of a name, and names of hosts have no capitals.
    let is_label = bucket.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if is_label {
        format!("https://{bucket}.{service}.{region}.{suffix}")
    } else {
        format!("https://{service}.{region}.{suffix}/{bucket}")
    }
}

/// A key with its slashes.
pub fn path(key: &str) -> String {
    utf8_percent_encode(key, &IN_PATH).to_string()
}

pub fn value(text: &str) -> String {
    utf8_percent_encode(text, &IN_QUERY).to_string()
}

/// As signatures have it: all but these four stands encoded.
const IN_QUERY: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
const IN_PATH: AsciiSet = IN_QUERY.remove(b'/');

#[cfg(test)]
mod tests {
    use super::*;

    fn access(pairs: &[(&str, &str)]) -> Access {
        Access::parse(&pairs.iter().copied().collect(), None).unwrap()
    }

    #[test]
    fn buckets_are_hosts_or_paths() {
        let plain = access(&[]);
        assert_eq!(base("logs", &plain, "eu-west-1"), "https://logs.s3.eu-west-1.amazonaws.com");
        assert_eq!(base("a.b", &plain, "eu-west-1"), "https://s3.eu-west-1.amazonaws.com/a.b");
        assert_eq!(base("logs", &plain, "cn-north-1"), "https://logs.s3.cn-north-1.amazonaws.com.cn");
        let fips = access(&[("aws.fips", "true")]);
        assert_eq!(base("logs", &fips, "us-east-1"), "https://logs.s3-fips.us-east-1.amazonaws.com");
        let own = access(&[("aws.endpoint", "http://localhost:8333/")]);
        assert_eq!(base("logs", &own, "eu-west-1"), "http://localhost:8333/logs");
    }

    #[test]
    fn names_of_buckets_are_checked() {
        for name in ["abc", "my.logs-2026", "Old_Bucket"] {
            assert!(is_bucket(name), "{name}");
        }
        for name in ["ab", "a/b", "-ab", "a b c", "", "später"] {
            assert!(!is_bucket(name), "{name}");
        }
    }

    #[test]
    fn keys_are_encoded_once() {
        assert_eq!(path("a//b c/ü+%41.json"), "a//b%20c/%C3%BC%2B%2541.json");
        assert_eq!(value("a/b=c&d"), "a%2Fb%3Dc%26d");
    }
}
