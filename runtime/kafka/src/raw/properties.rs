//! Every property that the librdkafka of this build knows, for a test that nobody forgot one.

use rdkafka::bindings as sys;

pub(crate) fn properties() -> Vec<String> {
    let mut text = Vec::new();
    // SAFETY: the file is ours from its making to its closing; the buffer is as long as it says.
    unsafe {
        let file = libc::tmpfile();
        assert!(!file.is_null(), "no temporary file");
        sys::rd_kafka_conf_properties_show(file);
        libc::rewind(file);
        let mut part = [0_u8; 4096];
        loop {
            let count = libc::fread(part.as_mut_ptr().cast(), 1, part.len(), file);
            if count == 0 {
                break;
            }
            text.extend_from_slice(&part[..count]);
        }
        libc::fclose(file);
    }
    let text = String::from_utf8(text).unwrap();
    let rows = text.lines().filter(|line| line.matches(" | ").count() >= 4);
    let names = rows.filter_map(|row| Some(row.split_once('|')?.0.trim().to_owned()));
    names.filter(|name| name != "Property").collect()
}
