//! What messages of a bucket say, as S3 sends them to a queue itself, through a topic, or through `EventBridge`.
use percent_encoding::percent_decode_str;
use serde_json::Value;

/// Keys of the objects that were created in the bucket.
pub fn created(body: &str, bucket: &str) -> Result<Vec<String>, String> {
    let event: Value =
        serde_json::from_str(body).map_err(|error| format!("expected an event in JSON: {error}"))?;
    // A topic wraps the event as text.
    if let (Some("Notification"), Some(inner)) = (event["Type"].as_str(), event["Message"].as_str()) {
        let event = serde_json::from_str(inner);
        return keys(&event.map_err(|error| format!("expected an event in JSON: {error}"))?, bucket);
    }
    keys(&event, bucket)
}

fn keys(event: &Value, bucket: &str) -> Result<Vec<String>, String> {
    if event["Event"] == "s3:TestEvent" {
        return Ok(Vec::new());
    }
    if event["source"] == "aws.s3" {
        let is_ours = event["detail-type"] == "Object Created" && event["detail"]["bucket"]["name"] == bucket;
        // Here the key stands as it is.
        let key = event["detail"]["object"]["key"].as_str().filter(|_| is_ours);
        return Ok(key.map(str::to_owned).into_iter().collect());
    }
    let Some(records) = event["Records"].as_array() else {
        return Err("expected an event of S3, with Records".into());
    };
    let mut found = Vec::new();
    for record in records {
        let name = record["eventName"].as_str().unwrap_or_default();
        let is_created = name.trim_start_matches("s3:").starts_with("ObjectCreated");
        if is_created && record["s3"]["bucket"]["name"] == bucket {
            let key = record["s3"]["object"]["key"].as_str().ok_or("expected an event with a key")?;
            // As the form of a web page: a plus is a blank.
            let plain = key.replace('+', " ");
            let key = percent_decode_str(&plain).decode_utf8().map_err(|_| "expected a key in UTF-8")?;
            found.push(key.into_owned());
        }
    }
    Ok(found)
}

/// Where requests for a queue go, and the region if the URL says it.
pub fn place(url: &str) -> (String, Option<String>) {
    let (scheme, rest) = url.split_once("://").unwrap_or(("https", url));
    let host = rest.split('/').next().unwrap_or_default();
    let mut parts = host.split('.');
    let region = match (parts.next(), parts.next(), parts.next()) {
        (Some("sqs" | "sqs-fips"), Some(region), Some("amazonaws")) => Some(region.to_owned()),
        _ => None,
    };
    (format!("{scheme}://{host}"), region)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &str, expected: &[&str]) {
        assert_eq!(created(body, "logs").unwrap(), expected, "{body}");
    }

    #[test]
    fn keys_are_found_in_every_kind_of_event() {
        let record = |name: &str, bucket: &str, key: &str| {
            format!(
                "{{\"eventName\":\"{name}\",\"s3\":{{\"bucket\":{{\"name\":\"{bucket}\"}},\"object\":{{\"key\":\"{key}\"}}}}}}"
            )
        };
        let records = [
            record("ObjectCreated:Put", "logs", "a/b+c%2B%C3%BC.json"),
            record("ObjectRemoved:Delete", "logs", "gone"),
            record("ObjectCreated:Put", "others", "x"),
            record("s3:ObjectCreated:CompleteMultipartUpload", "logs", "d"),
        ];
        let plain = format!("{{\"Records\":[{}]}}", records.join(","));
        check(&plain, &["a/b c+ü.json", "d"]);
        let wrapped = serde_json::json!({ "Type": "Notification", "Message": plain }).to_string();
        check(&wrapped, &["a/b c+ü.json", "d"]);
        let bridge = "{\"source\":\"aws.s3\",\"detail-type\":\"Object Created\",\
            \"detail\":{\"bucket\":{\"name\":\"logs\"},\"object\":{\"key\":\"a b+c\"}}}";
        check(bridge, &["a b+c"]);
        check("{\"Service\":\"Amazon S3\",\"Event\":\"s3:TestEvent\"}", &[]);
    }

    #[test]
    fn what_is_no_event_is_refused() {
        for body in [
            "hello",
            "{}",
            "[1]",
            "{\"Records\":[{\"eventName\":\"ObjectCreated:Put\",\"s3\":{\"bucket\":{\"name\":\"logs\"}}}]}",
        ] {
            assert!(created(body, "logs").is_err(), "{body}");
        }
    }

    #[test]
    fn a_url_says_where_the_queue_is() {
        let (origin, region) = place("https://sqs.eu-north-1.amazonaws.com/123456789012/q");
        assert_eq!(
            (origin.as_str(), region.as_deref()),
            ("https://sqs.eu-north-1.amazonaws.com", Some("eu-north-1"))
        );
        assert_eq!(place("http://localhost:9324/000/q"), ("http://localhost:9324".into(), None));
    }
}
