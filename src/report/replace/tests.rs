use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

use super::*;

/// Each way to replace a file, as on systems and file systems that have and have not files without a name.
fn ways(target: &Path) -> Vec<FileReplacement> {
    let named = || {
        let (file, path) = leftover::create(folder_of(target)).unwrap();
        FileReplacement {
            target: target.to_owned(),
            file: Arc::new(file),
            temporary: TemporaryKind::Named(path),
        }
    };
    vec![FileReplacement::of(target.to_owned()).unwrap(), named()]
}

fn names(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
    names.sort_unstable();
    names
}

#[test]
fn the_old_file_stays_until_the_new_one_is_whole() {
    for way in 0..2 {
        for old in [Some("old, and longer"), None] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("run.json");
            let now = || fs::read_to_string(&path).ok();
            old.iter().for_each(|old| fs::write(&path, old).unwrap());
            let replacement = ways(&path).swap_remove(way);
            replacement.writer().write_all(b"new").unwrap();
            replacement.writer().flush().unwrap();
            assert_eq!(now().as_deref(), old);
            replacement.commit().unwrap();
            assert_eq!(now().as_deref(), Some("new"));
            assert_eq!(names(folder.path()), ["run.json"]);
        }
    }
}

#[test]
fn a_run_that_breaks_off_leaves_nothing_new() {
    for way in 0..2 {
        let folder = tempfile::tempdir().unwrap();
        let replacement = ways(&folder.path().join("run.json")).swap_remove(way);
        replacement.writer().write_all(b"new").unwrap();
        drop(replacement);
        assert_eq!(names(folder.path()), [""; 0]);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn where_the_file_system_allows_it_the_file_has_no_name_meanwhile() {
    let folder = tempfile::tempdir().unwrap();
    let replacement = FileReplacement::of(folder.path().join("run.json")).unwrap();
    if unnamed::create(folder.path()).is_some() {
        assert!(matches!(replacement.temporary, TemporaryKind::Unnamed));
        assert_eq!(names(folder.path()), [""; 0]);
    }
}

#[test]
fn rights_are_those_of_the_old_file_or_of_any_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let mode = |path: &Path| fs::metadata(path).unwrap().mode();
    fs::write(at("plain"), "").unwrap();
    for way in 0..2 {
        let path = at(&format!("new-{way}"));
        ways(&path).swap_remove(way).commit().unwrap();
        assert_eq!(mode(&path), mode(&at("plain")), "others may read it");
    }
    for rights in [0o600, 0o640, 0o666] {
        fs::write(at("old"), "").unwrap();
        fs::set_permissions(at("old"), fs::Permissions::from_mode(rights)).unwrap();
        FileReplacement::of(at("old")).unwrap().commit().unwrap();
        assert_eq!(mode(&at("old")) & 0o777, rights);
    }
}

#[test]
fn a_file_that_cannot_be_renamed_over_is_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mounted.json");
    fs::write(&path, "old, and longer").unwrap();
    let inode = fs::metadata(&path).unwrap().ino();
    let file = Arc::new(tempfile::tempfile().unwrap());
    let replacement = FileReplacement { target: path.clone(), file, temporary: TemporaryKind::Elsewhere };
    replacement.writer().write_all(b"new").unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "old, and longer");
    replacement.commit().unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "new");
    assert_eq!(fs::metadata(&path).unwrap().ino(), inode);
}

#[test]
fn a_later_run_sweeps_up_what_a_killed_one_left_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let others = [
        ".trailproof-0123456789abcde.tmp",
        ".trailproof-0123456789abcde-.tmp",
        ".trailproof-0123456789abcdef",
        "trailproof-0123456789abcdef.tmp",
        "report.json",
    ];
    others.iter().for_each(|name| fs::write(at(name), "").unwrap());
    // No plain files: what a link leads to, a folder, and a pipe that would keep whoever opens it waiting.
    symlink(at("report.json"), at(".trailproof-linklinklinklink.tmp")).unwrap();
    fs::create_dir(at(".trailproof-folderfolderfold.tmp")).unwrap();
    let pipe = at(".trailproof-pipepipepipepipe.tmp");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let (_living, held) = leftover::create(folder.path()).unwrap();
    let kept = names(folder.path());
    fs::write(at(".trailproof-0123456789abcdef.tmp"), "of a run that was killed").unwrap();
    fs::write(at(".trailproof-0123456789abcdeF.tmp"), "").unwrap();
    drop(FileReplacement::of(at("report.json")).unwrap());
    assert_eq!(names(folder.path()), kept);
    assert!(held.exists());
}
