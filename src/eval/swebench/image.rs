//! The container images of instances, by their names.

use super::Instance;

/// No reference is longer, bytes.
const LONGEST: usize = 255;

/// What an instance's image may be called, in the order in which they are looked for: what the dataset says, as the harness publishes
/// it, as the harness calls one that it built here. `architecture` is `x86_64` or `arm64`. A dataset may be anybody's: what is no
/// reference of an image is left out.
pub fn image_names(instance: &Instance, architecture: &str) -> Vec<String> {
    let id = instance.instance_id.to_ascii_lowercase();
    let mut names: Vec<String> = instance.image.iter().filter(|image| !image.is_empty()).cloned().collect();
    names.push(format!("swebench/sweb.eval.{architecture}.{}:latest", id.replace("__", "_1776_")));
    names.push(format!("sweb.eval.{architecture}.{id}:latest"));
    names.dedup();
    names.retain(|name| is_reference(name));
    names
}

/// Whether a text can be an image's reference: nothing that an engine could take for an option or for another kind of source.
pub fn is_reference(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._/:@-".contains(&byte);
    text.len() <= LONGEST
        && text.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric)
        && text.bytes().all(allowed)
        && !text.contains("//")
        && !text.contains("..")
        && !text.contains(":/")
        && !text.ends_with('/')
}

#[cfg(test)]
mod tests;
