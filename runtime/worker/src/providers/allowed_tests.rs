//! Whatever a path says, only what lies below an allowed folder is read.
use super::{Allowed, BYTES_MAX};
use proptest::prelude::*;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const OUTSIDE: &str = "the path is outside allowed.paths";

/// `in/a` may be read, `out/b` may not.
struct Folders(TempDir);

impl Folders {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        for (folder, file, text) in [("in", "a", "inside"), ("out", "b", "canary"), ("in/sub", "c", "deep")] {
            std::fs::create_dir_all(dir.path().join(folder)).unwrap();
            std::fs::write(dir.path().join(folder).join(file), text).unwrap();
        }
        Self(dir)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn allowed(&self) -> Allowed {
        Allowed::parse(self.path("in").to_str().unwrap()).unwrap()
    }

    fn check(&self, path: impl AsRef<Path>, expected: Result<&str, &str>) {
        let read = self.allowed().read(path.as_ref());
        assert_eq!(read.as_deref().map_err(String::as_str), expected, "{:?}", path.as_ref());
    }
}

#[test]
fn files_below_an_allowed_folder_are_read() {
    let folders = Folders::new();
    folders.check(folders.path("in/a"), Ok("inside"));
    folders.check(folders.path("in/sub/../a"), Ok("inside"));
    folders.check(folders.path("in//./sub/c"), Ok("deep"));
    folders.check(folders.path("in/none"), Err("no such file"));
    folders.check(folders.path("in/a/x"), Err("no such file"));
    folders.check(folders.path("in/sub"), Err("not a regular file"));
}

#[test]
fn no_path_leads_out() {
    let folders = Folders::new();
    for path in ["out/b", "in/../out/b", "in/sub/../../out/b", "inside", "in.properties", "out/none"] {
        folders.check(folders.path(path), Err(OUTSIDE));
    }
    folders.check("/etc/passwd", Err(OUTSIDE));
    folders.check("/proc/self/environ", Err(OUTSIDE));
    folders.check("in/a", Err("the path is not absolute"));
    folders.check("", Err("the path is not absolute"));
    folders.check("~/a", Err("the path is not absolute"));
    let nul = folders.allowed().read(&folders.path("in/a\0.properties"));
    assert!(nul.is_err());
}

#[test]
fn links_are_followed_inside_and_refused_outside() {
    let folders = Folders::new();
    symlink(folders.path("in/a"), folders.path("in/good")).unwrap();
    symlink(folders.path("out/b"), folders.path("in/bad")).unwrap();
    symlink(folders.path("out"), folders.path("in/folder")).unwrap();
    symlink(folders.path("in/loop"), folders.path("in/loop")).unwrap();
    folders.check(folders.path("in/good"), Ok("inside"));
    folders.check(folders.path("in/bad"), Err(OUTSIDE));
    folders.check(folders.path("in/folder/b"), Err(OUTSIDE));
    // By its text alone this is `in/a`; the file system says `a` beside `out`.
    folders.check(folders.path("in/folder/../a"), Err("no such file"));
    assert!(folders.allowed().read(&folders.path("in/loop")).is_err());
}

#[test]
fn an_allowed_link_may_change_where_it_leads() {
    let folders = Folders::new();
    let link = folders.path("current");
    symlink(folders.path("in"), &link).unwrap();
    let allowed = Allowed::parse(link.to_str().unwrap()).unwrap();
    assert_eq!(allowed.read(&link.join("a")), Ok("inside".to_owned()));
    assert_eq!(allowed.read(&folders.path("in/a")), Ok("inside".to_owned()));
    std::fs::remove_file(&link).unwrap();
    symlink(folders.path("out"), &link).unwrap();
    assert_eq!(allowed.read(&link.join("b")), Ok("canary".to_owned()));
    assert_eq!(allowed.read(&folders.path("in/a")), Err(OUTSIDE.to_owned()));
}

#[test]
fn only_regular_files_of_a_sensible_size_and_of_text_are_read() {
    let folders = Folders::new();
    let pipe = folders.path("in/pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    folders.check(&pipe, Err("not a regular file"));
    std::fs::write(folders.path("in/big"), vec![b'x'; BYTES_MAX as usize + 1]).unwrap();
    folders.check(folders.path("in/big"), Err("the file has more than 1048576 bytes"));
    std::fs::write(folders.path("in/full"), vec![b'x'; BYTES_MAX as usize]).unwrap();
    assert!(folders.allowed().read(&folders.path("in/full")).is_ok());
    std::fs::write(folders.path("in/bytes"), [0xff, 0xfe]).unwrap();
    folders.check(folders.path("in/bytes"), Err("the file is not UTF-8 text"));
}

#[test]
fn allowed_paths_are_absolute_and_exist() {
    let folders = Folders::new();
    let none = folders.path("none");
    let none = none.to_str().unwrap();
    assert!(Allowed::parse(none).unwrap_err().contains("paths that exist"));
    for list in ["", " , ", "in", "/tmp/../etc"] {
        assert!(Allowed::parse(list).is_err(), "{list}");
    }
    let file = folders.path("in/a");
    let one = Allowed::parse(&format!(" {} ,", file.display())).unwrap();
    assert_eq!(one.read(&file), Ok("inside".to_owned()));
    assert_eq!(one.read(&folders.path("in/sub/c")), Err(OUTSIDE.to_owned()));
}

proptest! {
    #[test]
    fn no_mixture_of_names_reads_what_lies_outside(parts in prop::collection::vec(
        prop_oneof![Just(".."), Just("."), Just(""), Just("in"), Just("out"), Just("sub"), Just("a"), Just("b"),
            Just("link"), Just("c"), Just("\u{0}"), Just("..\\"), Just("%2e%2e")], 0..8
    )) {
        let folders = Folders::new();
        symlink(folders.path("out"), folders.path("in/link")).unwrap();
        let path = folders.path("in").join(parts.join("/").trim_start_matches('/'));
        if let Ok(text) = folders.allowed().read(&path) {
            prop_assert!(text == "inside" || text == "deep", "{path:?} gave {text}");
        }
    }
}
