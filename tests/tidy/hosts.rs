//! Nothing in the project names a package registry's host or a path of somebody's machine.

use crate::checkout::{Checkout, File, assert_clean, assert_finds};

/// Written in two halves, so that this file does not find itself.
const HOSTS: &[(&str, &str)] = &[
    ("crates", ".io"),
    ("pypi", ".org"),
    ("pythonhosted", ".org"),
    ("npmjs", ".org"),
    ("npmjs", ".com"),
    ("maven", ".org/maven2"),
    ("repo.maven", ".apache.org"),
    ("central.sonatype", ".com"),
    ("proxy.golang", ".org"),
    ("docker", ".io"),
    ("ghcr", ".io"),
    ("quay", ".io"),
];

/// Folders of people and of build machines. A path of a system (`/usr`, `/etc`, `/tmp`) is everybody's.
const HOMES: &[(&str, &str)] = &[("/ho", "me/"), ("/ro", "ot/"), ("/wo", "rk/"), ("/Us", "ers/")];

/// Written by package managers, which put their registry into it.
const LOCKFILES: &[&str] = &["Cargo.lock", "package-lock.json"];

fn registry_hosts(checkout: &Checkout) -> Vec<String> {
    let what = "names a package registry: say what is installed and let the package manager know from where";
    find(checkout, what, |line| HOSTS.iter().any(|(a, b)| line.contains(&format!("{a}{b}"))))
}

fn machine_paths(checkout: &Checkout) -> Vec<String> {
    let what = "holds a path of one machine: take the folder from a setting";
    find(checkout, what, |line| HOMES.iter().any(|(a, b)| starts_a_path(line, &format!("{a}{b}"))))
}

fn starts_a_path(line: &str, folder: &str) -> bool {
    let part_of_a_longer_path = |c: char| c.is_alphanumeric() || "._-}>*/".contains(c);
    line.match_indices(folder).any(|(at, _)| !line[..at].ends_with(part_of_a_longer_path))
}

fn find(checkout: &Checkout, what: &str, hit: impl Fn(&str) -> bool) -> Vec<String> {
    let is_lockfile = |file: &&File| LOCKFILES.iter().any(|name| file.path.ends_with(name));
    let files = checkout.files.iter().filter(|file| !is_lockfile(file));
    files
        .flat_map(|file| {
            let hits = file.text.lines().enumerate().filter(|(_, line)| hit(line));
            hits.map(|(at, _)| format!("{}:{}: {what}", file.path, at + 1)).collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn no_file_names_a_registry_host() {
    assert_clean(&registry_hosts(&Checkout::of_this_project()));
}

#[test]
fn no_file_holds_a_path_of_one_machine() {
    assert_clean(&machine_paths(&Checkout::of_this_project()));
}

#[test]
fn a_registry_host_is_found() {
    let url = format!("see https://{}{}/x\n", HOSTS[0].0, HOSTS[0].1);
    let checkout = Checkout::of(&[("a.md", &url), ("Cargo.lock", &url), ("b.md", "a crate\n")]);
    assert_finds(&registry_hosts(&checkout), &["a.md:1"]);
}

#[test]
fn a_path_of_one_machine_is_found() {
    let path = format!("ok\ncp {}{}me/x .\n", HOMES[0].0, HOMES[0].1);
    let deeper = format!("GET /connectors{}{}x\n", HOMES[2].0, HOMES[2].1);
    let checkout = Checkout::of(&[("a.sh", &path), ("b.sh", &deeper), ("c.sh", "ls /usr/lib\n")]);
    assert_finds(&machine_paths(&checkout), &["a.sh:2"]);
}
