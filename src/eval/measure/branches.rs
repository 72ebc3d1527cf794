//! Functions of a file and how many ways lead through each: one, and one more for every branch. Found by words and braces (or by
//! indentation in Python), not by a compiler: a measure to compare with, the same for every language.

/// A function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::eval) struct Function {
    pub(in crate::eval) name: String,
    /// First and last line, one-based.
    pub(in crate::eval) first: u32,
    pub(in crate::eval) last: u32,
    pub(in crate::eval) branches: u32,
}

/// Files longer than this are not written by hand.
const LONGEST: usize = 50_000;

/// The functions of a file; none when its language is not known.
pub(in crate::eval) fn functions(path: &str, text: &str) -> Vec<Function> {
    let lines: Vec<String> = text.lines().take(LONGEST).map(without_texts).collect();
    match path.rsplit_once('.').map(|(_, end)| end) {
        Some("py") => by_indentation(&lines),
        Some("rs") => by_braces(&lines, |line| after(line, "fn ")),
        Some("go") => by_braces(&lines, |line| line.starts_with("func").then(|| after(line, "func ")).flatten()),
        Some("js" | "jsx" | "ts" | "tsx" | "mjs" | "cjs") => by_braces(&lines, script_name),
        Some("java" | "kt" | "c" | "h" | "cc" | "cpp" | "hpp" | "cs") => by_braces(&lines, typed_name),
        _ => Vec::new(),
    }
}

/// The line without what stands in quotes, and without a comment at its end.
fn without_texts(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut quote = None;
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match quote {
            Some(open) => {
                if c == '\\' {
                    chars.next();
                } else if c == open {
                    quote = None;
                }
            }
            None if c == '"' || c == '`' => quote = Some(c),
            None if c == '/' && chars.peek() == Some(&'/') => break,
            None if c == '#' && out.trim().is_empty() => break,
            None => out.push(c),
        }
    }
    out
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The name after a word, when the word begins one.
fn after(line: &str, word: &str) -> Option<String> {
    let at = line.find(word)?;
    if line[..at].chars().next_back().is_some_and(is_name) {
        return None;
    }
    let mut rest = line[at + word.len()..].trim_start();
    if rest.starts_with('(') {
        // A method of Go: the receiver comes first.
        rest = rest.split_once(')')?.1.trim_start();
    }
    let name: String = rest.chars().take_while(|c| is_name(*c)).collect();
    (!name.is_empty()).then_some(name)
}

fn script_name(line: &str) -> Option<String> {
    if let Some(name) = after(line, "function ") {
        return Some(name);
    }
    if line.contains("=>") && line.trim_end().ends_with('{') {
        let left = line.split_once('=')?.0.trim_end();
        let name: String = left.rsplit(|c| !is_name(c)).next()?.to_owned();
        return (!name.is_empty() && !line.trim_start().starts_with('.')).then_some(name);
    }
    typed_name(line)
}

/// `int name(…) {`, and methods of classes.
fn typed_name(line: &str) -> Option<String> {
    let text = line.trim();
    let (head, rest) = text.split_once('(')?;
    if !text.ends_with('{') || !rest.contains(')') || head.contains(['=', ';', '.', ')']) {
        return None;
    }
    let name = head.trim_end().rsplit(|c| !is_name(c)).next()?.to_owned();
    let known = ["if", "for", "while", "switch", "catch", "return", "else", "do", "match", "function"];
    (!name.is_empty() && !known.contains(&name.as_str())).then_some(name)
}

fn line_number(index: usize) -> u32 {
    u32::try_from(index + 1).unwrap_or(u32::MAX)
}

/// Ways that a line adds.
fn ways(line: &str) -> u32 {
    const WORDS: &[&str] = &["if", "elif", "for", "while", "case", "catch", "except", "loop", "and", "or"];
    let words = line.split(|c| !is_name(c)).filter(|word| WORDS.contains(word)).count();
    let signs = line.matches("&&").count() + line.matches("||").count() + line.matches(" ? ").count();
    // An arm of a match: the first one is the way that is there anyway.
    let arms = usize::from(line.contains(" => ") && !line.contains("case ") && !line.trim_start().starts_with("if "));
    u32::try_from(words + signs + arms).unwrap_or(u32::MAX)
}

fn by_braces(lines: &[String], name: impl Fn(&str) -> Option<String>) -> Vec<Function> {
    struct Open {
        function: Function,
        depth: i64,
        begun: bool,
    }
    let mut found = Vec::new();
    let mut open: Vec<Open> = Vec::new();
    let mut depth = 0_i64;
    for (index, line) in lines.iter().enumerate() {
        let number = line_number(index);
        if let Some(name) = name(line) {
            let function = Function { name, first: number, last: number, branches: 1 };
            open.push(Open { function, depth, begun: false });
        } else if let Some(inner) = open.last_mut() {
            inner.function.branches = inner.function.branches.saturating_add(ways(line));
        }
        for c in line.chars() {
            match c {
                '{' => {
                    depth += 1;
                    if let Some(inner) = open.last_mut() {
                        inner.begun = true;
                    }
                }
                '}' => depth -= 1,
                // A declaration without a body.
                ';' if open.last().is_some_and(|inner| !inner.begun && inner.depth == depth) => {
                    open.pop();
                }
                _ => {}
            }
            while open.last().is_some_and(|inner| inner.begun && depth <= inner.depth) {
                if let Some(mut ended) = open.pop() {
                    ended.function.last = number;
                    found.push(ended.function);
                }
            }
        }
    }
    found
}

fn by_indentation(lines: &[String]) -> Vec<Function> {
    let mut found = Vec::new();
    let mut open: Vec<(usize, Function)> = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let text = line.trim_start();
        if text.is_empty() {
            continue;
        }
        let indentation = line.len() - text.len();
        while open.last().is_some_and(|(at, _)| indentation <= *at && !text.starts_with(')')) {
            found.extend(open.pop().map(|(_, function)| function));
        }
        if text.starts_with("def ") || text.starts_with("async def ") {
            let name = after(text, "def ").unwrap_or_default();
            open.push((
                indentation,
                Function { name, first: line_number(index), last: line_number(index), branches: 1 },
            ));
        } else if let Some((_, inner)) = open.last_mut() {
            inner.branches = inner.branches.saturating_add(ways(text));
        }
        for (_, function) in &mut open {
            function.last = line_number(index);
        }
    }
    found.extend(open.into_iter().map(|(_, function)| function));
    found
}
