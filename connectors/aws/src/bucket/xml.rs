//! Answers of S3 in XML.
use std::borrow::Cow;

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use aws_smithy_xml::decode::{Document, ScopedDecoder, try_data};
use percent_encoding::percent_decode_str;

use super::{Object, Page};

/// A part of a listing.
pub fn listing(text: &str) -> Result<Page, String> {
    let mut document = Document::new(text);
    let mut root = root(&mut document, "ListBucketResult")?;
    let (mut objects, mut next, mut is_truncated, mut is_encoded) = (Vec::new(), None, false, false);
    while let Some(mut tag) = root.next_tag() {
        match tag.start_el().local() {
            "Contents" => objects.push(object(&mut tag)?),
            "NextContinuationToken" => next = Some(data(&mut tag)?.into_owned()),
            "IsTruncated" => is_truncated = data(&mut tag)? == "true",
            "EncodingType" => is_encoded = data(&mut tag)? == "url",
            _ => {}
        }
    }
    if is_encoded {
        for object in &mut objects {
            object.key = decoded(&object.key)?;
        }
    }
    match (is_truncated, next) {
        (true, None) => Err("a listing that goes on does not say where".into()),
        (true, next) => Ok(Page { objects, next }),
        (false, _) => Ok(Page { objects, next: None }),
    }
}

fn object(tag: &mut ScopedDecoder<'_, '_>) -> Result<Object, String> {
    let mut found = Object { key: String::new(), size: 0, etag: String::new(), modified_ms: None };
    while let Some(mut tag) = tag.next_tag() {
        match tag.start_el().local() {
            "Key" => found.key = data(&mut tag)?.into_owned(),
            "ETag" => data(&mut tag)?.trim_matches('"').clone_into(&mut found.etag),
            "Size" => {
                let text = data(&mut tag)?;
                found.size =
                    text.parse().map_err(|_| format!("a size was expected in a listing, got {text:?}"))?;
            }
            "LastModified" => {
                let time = DateTime::from_str(&data(&mut tag)?, Format::DateTime);
                found.modified_ms = time.ok().and_then(|time| time.to_millis().ok());
            }
            _ => {}
        }
    }
    if found.key.is_empty() { Err("an object without a key in a listing".into()) } else { Ok(found) }
}

/// As the form of a web page: a plus is a blank.
fn decoded(key: &str) -> Result<String, String> {
    let plain = key.replace('+', " ");
    let text = percent_decode_str(&plain).decode_utf8().map(Cow::into_owned);
    text.map_err(|_| format!("a key that is not UTF-8 in a listing: {key}"))
}

/// Code and message of a failure. Whatever else comes, such as a proxy's page, has neither.
pub fn failure(text: &str) -> (String, String) {
    let mut document = Document::new(text);
    let (mut code, mut message) = (String::new(), String::new());
    let Ok(mut root) = root(&mut document, "Error") else { return (code, message) };
    while let Some(mut tag) = root.next_tag() {
        let into = match tag.start_el().local() {
            "Code" => &mut code,
            "Message" => &mut message,
            _ => continue,
        };
        *into = data(&mut tag).unwrap_or_default().into_owned();
    }
    (code, message)
}

/// The id of an upload that was begun.
pub fn upload_id(text: &str) -> Result<String, String> {
    let mut document = Document::new(text);
    let mut root = root(&mut document, "InitiateMultipartUploadResult")?;
    while let Some(mut tag) = root.next_tag() {
        if tag.start_el().matches("UploadId") {
            return Ok(data(&mut tag)?.into_owned());
        }
    }
    Err("an upload without an id".into())
}

/// The etag of an upload that was finished; a failure may come with status 200, because the answer begins before the
/// outcome is known.
pub fn finished(text: &str) -> Result<String, (String, String)> {
    let mut document = Document::new(text);
    let Ok(mut root) = root(&mut document, "CompleteMultipartUploadResult") else {
        return Err(failure(text));
    };
    while let Some(mut tag) = root.next_tag() {
        if tag.start_el().matches("ETag") {
            return Ok(data(&mut tag).unwrap_or_default().trim_matches('"').to_owned());
        }
    }
    Ok(String::new())
}

fn root<'text, 'a>(
    document: &'a mut Document<'text>,
    name: &str,
) -> Result<ScopedDecoder<'text, 'a>, String> {
    let root = document.root_element().map_err(|error| format!("expected {name}: {error}"))?;
    if root.start_el().matches(name) {
        return Ok(root);
    }
    Err(format!("expected {name}, got {}", root.start_el().local()))
}

fn data<'text>(tag: &mut ScopedDecoder<'text, '_>) -> Result<Cow<'text, str>, String> {
    try_data(tag).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listings_are_read() {
        let text = "<?xml version=\"1.0\"?><ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
            <IsTruncated>true</IsTruncated><EncodingType>url</EncodingType><NextContinuationToken>t&amp;1</NextContinuationToken>\
            <Contents><Key>a%2F%2Fb+c%2B%0A</Key><LastModified>2026-01-02T03:04:05.678Z</LastModified>\
            <ETag>&quot;e1&quot;</ETag><Size>5000000000</Size></Contents><Contents><Key>d/</Key><Size>0</Size></Contents>\
            </ListBucketResult>";
        let page = listing(text).unwrap();
        assert_eq!(page.next.as_deref(), Some("t&1"));
        let object = |key: &str, size, etag: &str, modified_ms| Object {
            key: key.into(),
            size,
            etag: etag.into(),
            modified_ms,
        };
        let expected =
            [object("a//b c+\n", 5_000_000_000, "e1", Some(1_767_323_045_678)), object("d/", 0, "", None)];
        assert_eq!(page.objects, expected);
    }

    #[test]
    fn keys_are_as_they_stand_unless_they_say_that_they_are_encoded() {
        let text =
            "<ListBucketResult><Contents><Key>a%2Fb+c</Key><Size>1</Size></Contents></ListBucketResult>";
        assert_eq!(listing(text).unwrap().objects[0].key, "a%2Fb+c");
    }

    #[test]
    fn what_is_no_listing_is_refused() {
        let refused = |text: &str| listing(text).unwrap_err();
        assert!(refused("<html/>").contains("expected ListBucketResult, got html"));
        assert!(refused("").contains("expected ListBucketResult"));
        assert!(
            refused("<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>")
                .contains("goes on")
        );
        let size = "<ListBucketResult><Contents><Key>a</Key><Size>x</Size></Contents></ListBucketResult>";
        assert!(refused(size).contains("a size was expected in a listing, got \"x\""));
    }

    #[test]
    fn failures_have_a_code_or_none() {
        let text = "<Error><Code>NoSuchKey</Code><Message>It is &lt;gone&gt;.</Message><Key>k</Key></Error>";
        assert_eq!(failure(text), ("NoSuchKey".into(), "It is <gone>.".into()));
        assert_eq!(failure("<html>502</html>"), (String::new(), String::new()));
        assert_eq!(finished(text).unwrap_err().0, "NoSuchKey");
        let done = "<CompleteMultipartUploadResult><ETag>\"x-2\"</ETag></CompleteMultipartUploadResult>";
        assert_eq!(finished(done).as_deref(), Ok("x-2"));
        let begun = "<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>";
        assert_eq!(upload_id(begun).as_deref(), Ok("u1"));
    }
}
