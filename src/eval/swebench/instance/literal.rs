//! Lists of strings as Python prints them.

/// Reads `['a', "it's", 'b\n']`; absent when it is something else.
pub(super) fn strings(text: &str) -> Option<Vec<String>> {
    let mut rest = text.trim().strip_prefix('[')?.trim_start();
    let mut list = Vec::new();
    loop {
        if let Some(after) = rest.strip_prefix(']') {
            return after.is_empty().then_some(list);
        }
        let (string, after) = string(rest)?;
        list.push(string);
        rest = after.trim_start();
        match rest.strip_prefix(',') {
            Some(after) => rest = after.trim_start(),
            None if rest.starts_with(']') => {}
            None => return None,
        }
    }
}

/// One string in quotes of either kind, and what follows it.
fn string(text: &str) -> Option<(String, &str)> {
    let quote = text.chars().next().filter(|quote| matches!(quote, '\'' | '"'))?;
    let mut string = String::new();
    let mut characters = text[1..].char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            _ if c == quote => return Some((string, &text[1 + at + 1..])),
            '\\' => {
                let (_, escape) = characters.next()?;
                let digits = match escape {
                    'x' => 2,
                    'u' => 4,
                    'U' => 8,
                    _ => 0,
                };
                if digits > 0 {
                    let code: String = (0..digits).map_while(|_| characters.next()).map(|(_, digit)| digit).collect();
                    string.push(char::from_u32(u32::from_str_radix(&code, 16).ok()?)?);
                    continue;
                }
                match escape {
                    'n' => string.push('\n'),
                    'r' => string.push('\r'),
                    't' => string.push('\t'),
                    '\\' | '\'' | '"' => string.push(escape),
                    // Python keeps the backslash of what it does not know.
                    other => string.extend(['\\', other]),
                }
            }
            _ => string.push(c),
        }
    }
    None
}
