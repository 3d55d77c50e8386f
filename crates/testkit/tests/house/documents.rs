//! A link in a document leads to a file that exists.

use crate::{files, read, root};

#[test]
fn every_relative_link_of_a_document_leads_somewhere() {
    let mut faults = Vec::new();
    let mut seen = 0;
    for file in files(&root(), "md") {
        let folder = root().join(&file).parent().expect("a file lies in a folder").to_path_buf();
        for target in links(&read(&file)) {
            seen += 1;
            if !folder.join(&target).exists() {
                faults.push(format!("{}: {target} does not exist", file.display()));
            }
        }
    }
    assert!(seen > 10, "only {seen} links were found: the search is broken");
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

/// The files that `](…)` names, without addresses on the network and places within the same page.
fn links(text: &str) -> Vec<String> {
    text.split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'))
        .map(|(target, _)| target.split('#').next().unwrap_or_default().to_owned())
        .filter(|target| !target.is_empty() && !target.contains("://") && !target.starts_with("mailto:"))
        .collect()
}

#[test]
fn the_search_finds_links_to_files_only() {
    let text = "[a](docs/a.md#part) [b](https://example.com) [c](#here) ![d](d.svg)";
    assert_eq!(links(text), ["docs/a.md", "d.svg"]);
}
