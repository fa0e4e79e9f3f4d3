//! The address of a service in a region.

/// By the rules of AWS: each group of regions has a domain of its own.
pub fn url(service: &str, region: &str, is_fips: bool) -> String {
    let domain =
        DOMAINS.iter().find(|(prefix, _)| region.starts_with(prefix)).map_or(COMMON, |(_, name)| name);
    // Those of the government are FIPS endpoints as they are.
    let suffix = if is_fips && !region.starts_with("us-gov-") { "-fips" } else { "" };
    format!("https://{service}{suffix}.{region}.{domain}")
}

const COMMON: &str = "amazonaws.com";
const DOMAINS: [(&str, &str); 6] = [
    ("cn-", "amazonaws.com.cn"),
    ("us-iso-", "c2s.ic.gov"),
    ("us-isob-", "sc2s.sgov.gov"),
    ("us-isof-", "csp.hci.ic.gov"),
    ("eu-isoe-", "cloud.adc-e.uk"),
    ("eusc-", "amazonaws.eu"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_have_their_domains() {
        assert_eq!(url("dynamodb", "eu-central-1", false), "https://dynamodb.eu-central-1.amazonaws.com");
        assert_eq!(url("sqs", "eu-central-1", true), "https://sqs-fips.eu-central-1.amazonaws.com");
        assert_eq!(url("dynamodb", "cn-north-1", false), "https://dynamodb.cn-north-1.amazonaws.com.cn");
        assert_eq!(url("sqs", "us-gov-west-1", true), "https://sqs.us-gov-west-1.amazonaws.com");
    }
}
