//! The ways in which the value of `connector.class` names a connector, from exact to short.

/// One way to compare. The first one by which anything fits decides.
#[derive(Debug, Clone, Copy)]
pub(super) enum Way {
    Class,
    Alias,
    /// Without the package.
    Simple,
    /// Without the end `Connector`, on either side.
    WithoutConnector,
    /// Without the end `SourceConnector` or `SinkConnector`, on either side.
    WithoutKind,
}

pub(super) const WAYS: [Way; 5] =
    [Way::Class, Way::Alias, Way::Simple, Way::WithoutConnector, Way::WithoutKind];

impl Way {
    /// `names` are a connector's class and then its aliases.
    pub fn fits<'n>(self, wanted: &str, mut names: impl Iterator<Item = &'n str>) -> bool {
        // A name with a package is a whole one: only whole names fit it.
        let is_short = !wanted.contains('.');
        match self {
            Self::Class => names.next() == Some(wanted),
            Self::Alias => names.any(|name| name == wanted),
            Self::Simple => is_short && names.any(|name| simple(name) == wanted),
            Self::WithoutConnector => {
                is_short && names.any(|name| without_connector(simple(name)) == without_connector(wanted))
            }
            Self::WithoutKind => {
                is_short
                    && names
                        .map(simple)
                        .any(|name| without_kind(name) == Some(wanted) || without_kind(wanted) == Some(name))
            }
        }
    }
}

fn simple(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

fn without_connector(name: &str) -> &str {
    name.strip_suffix("Connector").filter(|rest| !rest.is_empty()).unwrap_or(name)
}

fn without_kind(name: &str) -> Option<&str> {
    let name = without_connector(name);
    name.strip_suffix("Source").or_else(|| name.strip_suffix("Sink")).filter(|rest| !rest.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The indices of the connectors that fit, by the first way that any does.
    fn found(wanted: &str, connectors: &[&[&str]]) -> Vec<usize> {
        let by = |way: &Way| -> Vec<usize> {
            let fits = |index: &usize| way.fits(wanted, connectors[*index].iter().copied());
            (0..connectors.len()).filter(fits).collect()
        };
        WAYS.iter().map(by).find(|found| !found.is_empty()).unwrap_or_default()
    }

    #[test]
    fn a_class_is_found_by_its_whole_and_its_short_names() {
        let file = "org.apache.kafka.connect.file.";
        let sink = format!("{file}FileStreamSinkConnector");
        let source = format!("{file}FileStreamSourceConnector");
        let all: &[&[&str]] = &[&[&sink], &[&source], &["FileSink", "com.other.Files"], &["Datagen"]];
        let check = |wanted: &str, expected: &[usize]| assert_eq!(found(wanted, all), expected, "{wanted}");
        check(&sink, &[0]);
        check("FileStreamSinkConnector", &[0]);
        check("FileStreamSink", &[0]);
        check("FileStreamSource", &[1]);
        check("FileStream", &[0, 1]);
        check("FileSinkConnector", &[2]);
        check("File", &[2]);
        check("com.other.Files", &[2]);
        check("Files", &[2]);
        check("DatagenSourceConnector", &[3]);
        check("DatagenConnector", &[3]);
        check("FileSource", &[]);
        check("org.else.FileStreamSinkConnector", &[]);
        check("Connector", &[]);
        check("", &[]);
    }

    #[test]
    fn an_exact_name_beats_a_short_one() {
        let all: &[&[&str]] = &[&["a.Orders"], &["Orders"]];
        assert_eq!(found("Orders", all), [1]);
    }
}
