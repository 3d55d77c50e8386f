//! No name leads out of its folder: hundreds that try are refused, whatever is done with them; names that only look as if they did are files
//! like any other, and an agent that downloads everything puts each below the folder that it was told.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use countersign_testkit::harness::figures::tell;
use countersign_testkit::harness::http::{Call, Connection};
use hyper::Method;

use crate::stage::Stage;
use crate::{told, wire};

/// What a file that got out would be called.
const CAUGHT: &str = "caught";
/// How many tries there are at the least.
const AT_LEAST: usize = 300;
/// Names that lead nowhere else, although parts of them do elsewhere.
const HARMLESS: [&str; 16] = [
    "%2e%2e/%2e%2e/x",
    "..%2fx",
    "...a/..b",
    "a..b",
    "..;/x",
    "~/x",
    "~root/x",
    "$HOME/x",
    "`id`/$(id)",
    "-rf",
    "--help/-x",
    ".hidden/.y",
    "a b/c  d.txt",
    "ä/日本/🚀.txt",
    "[a]{b}*?",
    "'q'/\"r\";&|<>",
];

pub async fn story(stage: Stage) {
    let folder = stage.folder().to_owned();
    let cage = folder.join("cage");
    let mut agent = stage.agent("fetcher");
    let fetch = format!(
        "mkdir -p {cage}/dest\nbuildkite-agent artifact download \"*\" {cage}/dest/\necho fetched",
        cage = cage.display()
    );
    let build = stage.build(&told::command(&folder, "fetcher", &fetch)).await;
    let job = told::told(&stage, "fetcher", &agent).await;
    let mut line = Connection::new(stage.installation.listen);

    let bad = leading_out(&folder);
    assert!(bad.len() >= AT_LEAST, "{}", bad.len());
    for (number, path) in (1_u32..).zip(&bad) {
        // Among good ones, so that the whole batch must be refused.
        let paths = ["fine.txt", path, "fine, too.txt"];
        let answer = wire::announce(&mut line, &build.job, &job.token, number, &paths).await;
        assert_eq!(answer.status, 422, "{path:?}: {}", answer.text());
        assert_eq!(wire::found(&mut line, &build.uuid, &job.token, path).await.len(), 0, "{path:?}");
        for method in [Method::GET, Method::PUT] {
            for spelled in [wire::encoded(path), wire::encoded(path).replace("%2F", "/").replace("%2E", ".")] {
                let address = format!("/v3/artifacts/{spelled}");
                let answer = line.call(&Call::new(method.clone(), &address)).await.expect("the server answers");
                assert!(answer.status >= 400, "{method} {address}: {}", answer.status);
            }
        }
    }
    assert_eq!(wire::found(&mut line, &build.uuid, &job.token, "*").await.len(), 0, "nothing of any batch was kept");

    let announced = wire::announce(&mut line, &build.job, &job.token, 0, &HARMLESS).await;
    wire::bring(&mut line, &build.job, &job.token, &announced).await;
    told::go_on(&folder, "fetcher");
    stage.until(&build, "PASSED", &agent).await;

    let fetched = files_below(&cage);
    let wanted: BTreeSet<String> = HARMLESS.iter().map(|path| format!("dest/{path}")).collect();
    assert_eq!(fetched, wanted, "each below its folder and none elsewhere");
    for path in &fetched {
        assert_eq!(fs::read_to_string(cage.join(path)).expect("a text"), wire::HELLO, "{path}");
    }
    let out: Vec<String> = files_below(&folder).into_iter().filter(|path| path.contains(CAUGHT)).collect();
    assert!(out.is_empty(), "{out:?}");
    tell(format_args!("stories: paths: {} names refused in 6 ways each, {} fetched", bad.len(), fetched.len()));
    agent.leaves_well().await;
}

/// Names that lead out of a folder, or to no file, on one system or another.
fn leading_out(folder: &Path) -> Vec<String> {
    let mut ways: Vec<String> = (1..=8).map(|levels| "../".repeat(levels)).collect();
    ways.push(format!("{}/", folder.display()));
    ways.push(format!("../../../../../../../..{}/", folder.display()));
    let more = [
        "/",
        "//",
        "/../",
        "./",
        "./../",
        "a/../",
        "a/../../",
        "a/./",
        "a//",
        "a/b/../../../",
        "..\\",
        "..\\..\\",
        "a\\..\\..\\",
        "\\",
        "\\\\server\\share\\",
        "C:\\",
        "C:/",
        "c:",
        "C:../",
        "NUL/",
        "a/con/",
        ".. /",
        "..../",
        "a\0/",
        "a\u{200b}/",
        "\u{202e}/",
        "a\n/../",
    ];
    ways.extend(more.map(str::to_owned));
    let ends = ["", ".", " ", "/", "/.", "/..", "/../..", ".txt", "\0.txt", "\\..", "/nul"];
    ways.iter().flat_map(|way| ends.map(|end| format!("{way}{CAUGHT}{end}"))).collect()
}

/// Every file and link below a folder, relative to it.
fn files_below(folder: &Path) -> BTreeSet<String> {
    let (mut found, mut folders) = (BTreeSet::new(), vec![folder.to_owned()]);
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).expect("a folder can be listed") {
            let entry = entry.expect("a folder can be listed");
            if entry.file_type().expect("it is there").is_dir() {
                folders.push(entry.path());
            } else {
                let path = entry.path();
                found.insert(path.strip_prefix(folder).expect("it is below").to_string_lossy().into_owned());
            }
        }
    }
    found
}
