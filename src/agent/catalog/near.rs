//! Names that were perhaps meant.

/// At most three names like `wanted`, the nearest first.
pub(super) fn names_like<'a>(wanted: &str, names: impl Iterator<Item = &'a String>) -> Vec<String> {
    let wanted = wanted.to_lowercase();
    let mut near: Vec<(usize, &String)> = names
        .filter_map(|name| {
            let distance = distance(&wanted, name);
            let contained = wanted.len() >= 2 && (name.contains(&wanted) || wanted.contains(name.as_str()));
            (contained || distance <= 1 + name.len() / 4).then_some((if contained { 0 } else { distance }, name))
        })
        .collect();
    near.sort();
    near.into_iter().take(3).map(|(_, name)| name.clone()).collect()
}

/// The number of characters to insert, remove or replace.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.chars().take(128).enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[to.len()]
}
