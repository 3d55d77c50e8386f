//! File systems of a test's own: an ext4 image on a loop device, a small one in memory. Each is unmounted when it is dropped,
//! also by a panic; the loop device goes with its mount.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A mounted file system.
#[derive(Debug)]
pub struct Mount {
    point: PathBuf,
}

impl Mount {
    /// Mounts an image through a loop device.
    ///
    /// # Panics
    /// When that fails; it needs root.
    #[must_use]
    pub fn image(image: &Path, point: &Path) -> Self {
        run("mount", [OsStr::new("-o"), OsStr::new("loop"), image.as_os_str(), point.as_os_str()]);
        Self { point: point.to_owned() }
    }

    /// Mounts a file system in memory.
    ///
    /// # Panics
    /// When that fails; it needs root.
    #[must_use]
    pub fn memory(bytes: u64, point: &Path) -> Self {
        let options = format!("size={bytes},mode=0755");
        run(
            "mount",
            ["-t", "tmpfs", "-o", &options, "countersign-test"].map(OsStr::new).into_iter().chain([point.as_os_str()]),
        );
        Self { point: point.to_owned() }
    }

    /// Where it is.
    #[must_use]
    pub fn point(&self) -> &Path {
        &self.point
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // Lazily, because a process that was killed a moment ago may not have closed its files yet.
        let _ = Command::new("umount").arg("--lazy").arg(&self.point).status();
    }
}

/// Makes an empty ext4 image.
///
/// # Panics
/// When it cannot be made.
pub fn make_image(image: &Path, bytes: u64) {
    let file = std::fs::File::create(image).expect("the image file");
    file.set_len(bytes).expect("the image's size");
    run("mkfs.ext4", [OsStr::new("-q"), OsStr::new("-F"), image.as_os_str()]);
}

/// Copies what is in an image at this moment. Holes stay holes.
///
/// # Panics
/// When that fails.
pub fn copy_image(from: &Path, to: &Path) {
    run("cp", [OsStr::new("--sparse=always"), from.as_os_str(), to.as_os_str()]);
}

/// Replays the journal of an image and mends what a cut of the power leaves, as a machine does when it starts again.
///
/// # Panics
/// When the file system cannot be mended.
pub fn check_image(image: &Path) {
    let output = command("e2fsck").args(["-f", "-y"]).arg(image).output().expect("e2fsck runs");
    // 1: mended. Anything above: something is left.
    let mended = output.status.code().is_some_and(|code| code <= 1);
    assert!(mended, "e2fsck could not mend the image:\n{}", String::from_utf8_lossy(&output.stdout));
}

fn run(program: &str, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) {
    let mut command = command(program);
    let output = command.args(arguments).output().expect("the program is there");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr).trim());
}

/// A program of the system, which must be there.
fn command(program: &str) -> Command {
    let package = match program {
        "mkfs.ext4" | "e2fsck" => "e2fsprogs",
        "mount" | "umount" => "mount",
        _ => "coreutils",
    };
    let folders = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"].map(Path::new);
    let path = folders.iter().map(|folder| folder.join(program)).find(|path| path.is_file());
    Command::new(path.unwrap_or_else(|| panic!("{program} is not there: install Debian's package {package}")))
}
