use super::*;

#[test]
fn a_file_of_requirements_names_others() {
    let text = "pytest\n-r base.txt\n  -c ../constraints.txt # why\n--requirement=more/x.txt\n-rclose.txt\n\
                -r https://example.invalid/r.txt\n-r ../../outside.txt\n-e .\nrequests>=1 # -r no.txt\n";
    assert_eq!(
        named_by("requirements/tests.txt", text),
        ["requirements/base.txt", "constraints.txt", "requirements/more/x.txt", "requirements/close.txt"]
    );
    assert_eq!(named_by("requirements.txt", "-r ./a.txt\n-r /etc/passwd\n"), ["a.txt"]);
}

#[test]
fn everything_that_decides_is_in_its_text() {
    let one = Recipe { script: "make".to_owned(), ..Recipe::default() };
    let of = |change: fn(&mut Recipe)| {
        let mut other = one.clone();
        change(&mut other);
        other.text()
    };
    let a = || vec!["a".to_owned()];
    let texts = [
        one.text(),
        of(|recipe| recipe.script.push('x')),
        of(|recipe| recipe.requirements.push("a".to_owned())),
        of(|recipe| recipe.reads.push("a".to_owned())),
        of(|recipe| recipe.makes.push("a".to_owned())),
        of(|recipe| recipe.makes_beside.push("a".to_owned())),
        of(|recipe| recipe.asks = Some("a".to_owned())),
    ];
    let mut different = texts.to_vec();
    different.sort();
    different.dedup();
    assert_eq!(different.len(), texts.len());
    assert_eq!(Recipe { name: "other".to_owned(), ..one.clone() }.text(), one.text());
    assert_eq!(Recipe { reads: a(), ..one.clone() }.reads, a());
}
