//! AWS MSK IAM: the token is a signed URL that says `kafka-cluster:Connect`.

pub(super) mod credentials;
mod profile;
mod remote;
mod sign;
mod time;

use std::time::{Duration, SystemTime};

use super::source::Failure;
use super::token::{Token, to_base64url};
use credentials::Chain;

#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Msk {
    pub region: String,
    pub chain: Chain,
}

/// The longest that brokers accept.
const LIFE: Duration = Duration::from_secs(900);

impl Msk {
    pub(super) fn fetch(&self, now: SystemTime) -> Result<Token, Failure> {
        let (keys, ends) = self.chain.fetch(now)?;
        let request = sign::Request {
            host: &format!("kafka.{}.amazonaws.com", self.region),
            path: "/",
            query: &[("Action", "kafka-cluster:Connect")],
            service: "kafka-cluster",
            region: &self.region,
            life: LIFE,
            payload_hash: &sign::hash(b""),
        };
        let mut url = sign::presign(&request, &keys, now).map_err(Failure::lasting)?;
        // Not signed: brokers write it to their log.
        url.push_str("&User-Agent=penstock");
        let expires = ends.map_or(now + LIFE, |ends| ends.min(now + LIFE));
        // Brokers take the user from the signature; librdkafka wants some name.
        let principal = keys.id;
        Ok(Token { value: to_base64url(url.as_bytes()), principal, expires, extensions: Vec::new() })
    }
}

/// The region in the host names that AWS gives to clusters.
pub(crate) fn region_of(bootstrap: &str) -> Option<&str> {
    bootstrap.split(',').find_map(|address| {
        let host = address.trim().rsplit_once(':').map_or(address.trim(), |(host, _port)| host);
        let host = host.strip_suffix(".amazonaws.com").or_else(|| host.strip_suffix(".amazonaws.com.cn"))?;
        let (rest, region) = host.rsplit_once('.')?;
        let is_msk = rest.split('.').any(|label| label == "kafka" || label == "kafka-serverless");
        is_msk.then_some(region)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use credentials::Surroundings;
    use std::time::UNIX_EPOCH;

    #[test]
    fn the_region_is_in_the_brokers_name() {
        let check = |bootstrap, region| assert_eq!(region_of(bootstrap), region, "{bootstrap}");
        check("b-1.demo.a1b2c3.c2.kafka.eu-west-1.amazonaws.com:9098", Some("eu-west-1"));
        check("boot-x.c1.kafka-serverless.us-east-1.amazonaws.com:9098", Some("us-east-1"));
        check("b-1.demo.a1.c2.kafka.cn-north-1.amazonaws.com.cn:9098", Some("cn-north-1"));
        check("other:1, b-2.d.a.c.kafka.us-west-2.amazonaws.com:9098", Some("us-west-2"));
        check("kafka.example.com:9092", None);
        check("amazonaws.com:1", None);
        check("db.eu-west-1.amazonaws.com:9098", None);
        check("", None);
    }

    fn msk(session: Option<&str>) -> Msk {
        let mut vars = vec![("AWS_ACCESS_KEY_ID", "AKID"), ("AWS_SECRET_ACCESS_KEY", "hunter2")];
        vars.extend(session.map(|token| ("AWS_SESSION_TOKEN", token)));
        let vars = vars.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Msk { region: "eu-west-1".into(), chain: Chain::new(Surroundings::of(vars)) }
    }

    #[test]
    fn a_token_is_a_signed_url_that_lives_for_a_quarter_of_an_hour() {
        let now = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let token = msk(Some("a/b+c=")).fetch(now).ok().unwrap();
        assert_eq!(token.expires, now + Duration::from_secs(900));
        assert!(!token.value.contains(['=', '+', '/']));
        let mut standard = token.value.replace('-', "+").replace('_', "/");
        while !standard.len().is_multiple_of(4) {
            standard.push('=');
        }
        let url = String::from_utf8(openssl::base64::decode_block(&standard).unwrap()).unwrap();
        let (address, query) = url.split_once('?').unwrap();
        assert_eq!(address, "https://kafka.eu-west-1.amazonaws.com/");
        let names: Vec<&str> = query.split('&').filter_map(|pair| Some(pair.split_once('=')?.0)).collect();
        let expected = [
            "Action",
            "X-Amz-Algorithm",
            "X-Amz-Credential",
            "X-Amz-Date",
            "X-Amz-Expires",
            "X-Amz-Security-Token",
            "X-Amz-SignedHeaders",
            "X-Amz-Signature",
            "User-Agent",
        ];
        assert_eq!(names, expected);
        for part in [
            "Action=kafka-cluster%3AConnect",
            "X-Amz-Credential=AKID%2F20231114%2Feu-west-1%2Fkafka-cluster%2Faws4_request",
            "X-Amz-Date=20231114T221320Z",
            "X-Amz-Expires=900",
            "X-Amz-Security-Token=a%2Fb%2Bc%3D",
            "X-Amz-SignedHeaders=host",
        ] {
            assert!(query.split('&').any(|pair| pair == part), "{part} in {query}");
        }
        assert!(!url.contains("hunter2"));
    }

    #[test]
    fn a_token_without_a_session_names_none() {
        let token = msk(None).fetch(SystemTime::now()).ok().unwrap();
        assert_eq!(token.principal, "AKID");
        assert!(!token.value.is_empty());
    }
}
