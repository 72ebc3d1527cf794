//! The wire's methods and the document that describes them name the same methods.

use std::collections::BTreeSet;

use super::source::Finding;

/// `methods` is the Rust file with one string constant per method; `document` is Markdown, in which every
/// `` `resource/verb` `` of a resource that the methods have is taken for a method.
pub(super) fn check(methods: &str, document: &str) -> Vec<Finding> {
    let defined: BTreeSet<_> = methods.split('"').skip(1).step_by(2).filter(|text| is_method(text)).collect();
    let resources: BTreeSet<_> = defined.iter().filter_map(|method| method.split('/').next()).collect();
    let described: BTreeSet<_> = document
        .lines()
        .flat_map(|line| line.split('`').skip(1).step_by(2))
        .filter(|text| is_method(text) && text.split('/').next().is_some_and(|resource| resources.contains(resource)))
        .collect();
    let finding = |place: &str, text: String| Finding { place: place.to_owned(), text };
    let undescribed = defined.difference(&described);
    let undefined = described.difference(&defined);
    undescribed
        .map(|method| finding("doc/PROTOCOL.md", format!("does not describe `{method}` of src/wire/method.rs")))
        .chain(undefined.map(|method| {
            finding("doc/PROTOCOL.md", format!("describes `{method}`, which src/wire/method.rs does not have"))
        }))
        .collect()
}

/// `resource/verb`: two lower-case names.
fn is_method(text: &str) -> bool {
    let name = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    text.split_once('/').is_some_and(|(resource, verb)| name(resource) && name(verb))
}
