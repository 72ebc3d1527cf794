//! The reader of doctest's XML, with as much of XML as it takes.

use std::ops::Range;

use super::{Fault, Read, Subject, fault};
use crate::eval::swebench::python::{is_word, lstrip, rstrip};
use crate::eval::swebench::status::{Status, StatusMap};

/// `-s -r=xml`: subcases pass when all their expressions do.
pub(super) fn read<'a>(log: &'a str, _: &Subject<'_>) -> Read<'a> {
    let mut map = StatusMap::default();
    let Some(start) = log.find("<doctest") else { return Ok(map) };
    let Some(length) = log[start..].find("</doctest>") else { return fault("the XML has no end") };
    let mut open: Vec<Open<'_>> = Vec::new();
    let mut results: Vec<(String, bool)> = Vec::new();
    let tokens = Tokens { rest: &log[start..start + length + "</doctest>".len()] };
    for token in tokens {
        let token = token?;
        if let Token::Start { name, attributes, .. } = &token {
            let expression_failed =
                *name == "Expression" && attribute(attributes, "success").as_deref() != Some("true");
            for outer in open.iter().rev().take_while(|_| expression_failed) {
                results[outer.results.clone()].iter_mut().for_each(|(_, failed)| *failed = true);
            }
            let cases: Vec<_> = open.iter().filter_map(|outer| outer.case.clone()).collect();
            let own = || attribute(attributes, "name").unwrap_or_else(|| "None".to_owned());
            let first = results.len();
            if *name == "SubCase" {
                results.extend(cases.iter().map(|case| (format!("{case} > {}", own()), false)));
            }
            open.push(Open { name, case: (*name == "TestCase").then(own), results: first..results.len() });
        }
        match token {
            Token::Start { closed: false, .. } => {}
            Token::Start { .. } => drop(open.pop()),
            Token::End(name) => {
                if open.pop().is_none_or(|outer| outer.name != name) {
                    return fault(format!("the XML closes {name}, which is not open"));
                }
            }
        }
    }
    if !open.is_empty() {
        return fault("the XML has elements without an end");
    }
    for (test, failed) in results {
        map.set(test, if failed { Status::Failed } else { Status::Passed });
    }
    Ok(map)
}

/// An element that is open, the test case it may be, and the places of its results.
struct Open<'a> {
    name: &'a str,
    case: Option<String>,
    results: Range<usize>,
}

enum Token<'a> {
    Start { name: &'a str, attributes: Vec<(&'a str, String)>, closed: bool },
    End(&'a str),
}

fn attribute(attributes: &[(&str, String)], name: &str) -> Option<String> {
    attributes.iter().find(|(own, _)| *own == name).map(|(_, value)| value.clone())
}

/// Tags; text, comments and the like are passed over.
struct Tokens<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Result<Token<'a>, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let at = self.rest.find('<')?;
            if let Err(fault) = unescape(&self.rest[..at]) {
                return Some(Err(fault));
            }
            self.rest = &self.rest[at + 1..];
            let skipped = [("!--", "-->"), ("![CDATA[", "]]>"), ("?", "?>")];
            match skipped.into_iter().find(|(start, _)| self.rest.starts_with(start)) {
                Some((start, end)) => match self.rest[start.len()..].find(end) {
                    Some(length) => self.rest = &self.rest[start.len() + length + end.len()..],
                    None => return Some(fault(format!("{end} is missing"))),
                },
                None => return Some(self.tag()),
            }
        }
    }
}

impl<'a> Tokens<'a> {
    fn tag(&mut self) -> Result<Token<'a>, Fault> {
        if let Some(rest) = self.rest.strip_prefix('/') {
            let (name, rest) = split_name(rest)?;
            let Some(rest) = lstrip(rest).strip_prefix('>') else { return fault(format!("</{name} has no end")) };
            self.rest = rest;
            return Ok(Token::End(name));
        }
        let (name, mut rest) = split_name(self.rest)?;
        let mut attributes: Vec<(&str, String)> = Vec::new();
        loop {
            let stripped = lstrip(rest);
            for (end, closed) in [("/>", true), (">", false)] {
                if let Some(after) = stripped.strip_prefix(end) {
                    self.rest = after;
                    return Ok(Token::Start { name, attributes, closed });
                }
            }
            let (attribute, after) = split_name(stripped)?;
            if stripped.len() == rest.len() || attributes.iter().any(|(own, _)| *own == attribute) {
                return fault(format!("<{name} has its attributes wrong"));
            }
            let value = lstrip(after).strip_prefix('=').map(lstrip);
            let Some((quote, value)) = value.and_then(|value| Some((value.chars().next()?, value.get(1..)?))) else {
                return fault(format!("<{name} {attribute} has no value"));
            };
            let Some((value, after)) =
                value.split_once(quote).filter(|(value, _)| matches!(quote, '"' | '\'') && !value.contains('<'))
            else {
                return fault(format!("<{name} {attribute} has no proper value"));
            };
            attributes.push((attribute, unescape(&value.replace(['\n', '\t'], " "))?));
            rest = after;
        }
    }
}

fn split_name(text: &str) -> Result<(&str, &str), Fault> {
    let length = text.find(|c| !is_word(c) && !matches!(c, ':' | '-' | '.')).unwrap_or(text.len());
    let (name, rest) = text.split_at(length);
    if name.starts_with(|c: char| c == '_' || c == ':' || c.is_alphabetic()) {
        Ok((name, rest))
    } else {
        fault("a tag or an attribute has no name")
    }
}

/// Resolves the five entities and numbers.
fn unescape(text: &str) -> Result<String, Fault> {
    if text.bytes().any(|byte| byte < b' ' && !byte.is_ascii_whitespace()) {
        return fault("the XML has a control character in it");
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        plain.push_str(&rest[..at]);
        let Some((entity, after)) = rest[at + 1..].split_once(';') else { return fault("an entity has no end") };
        let number = entity.strip_prefix('#').map(|number| match number.strip_prefix('x') {
            Some(hex) => u32::from_str_radix(hex, 16),
            None => number.parse(),
        });
        let character = match (entity, number) {
            ("lt", _) => Some('<'),
            ("gt", _) => Some('>'),
            ("amp", _) => Some('&'),
            ("quot", _) => Some('"'),
            ("apos", _) => Some('\''),
            (_, Some(Ok(number))) => char::from_u32(number),
            _ => None,
        };
        let Some(character) = character else { return fault(format!("the entity {:?} is unknown", rstrip(entity))) };
        plain.push(character);
        rest = after;
    }
    plain.push_str(rest);
    Ok(plain)
}
