use super::*;

/// Runs a chain against commands of which only `works` succeeds; gives what was done, and the end.
fn played(compat: Compat, works: Option<&str>) -> (Vec<String>, Step) {
    let mut chain = PatchChain::new(compat);
    let mut done = Vec::new();
    loop {
        match chain.step() {
            Step::Clean(_) => done.push("clean".to_owned()),
            Step::Try(command) => {
                let line = command.join(" ");
                let success = works == Some(&*line);
                done.push(line);
                if let Some(end) = chain.ended(success) {
                    return (done, end);
                }
            }
            end => return (done, end),
        }
    }
}

#[test]
fn the_newer_chain_begins_each_attempt_with_a_clean_tree() {
    let all = [
        "git apply --verbose",
        "clean",
        "git apply --verbose --3way",
        "clean",
        "git apply --verbose --reject",
        "clean",
        "patch --batch --forward --fuzz=5 -p1 -i",
        "git apply --check --reverse",
    ];
    let (done, end) = played(Compat::V5, None);
    assert_eq!((done, end), (all.map(str::to_owned).to_vec(), Step::Failed));
    let (done, end) = played(Compat::V5, Some("git apply --verbose --3way"));
    assert_eq!((done.len(), end), (3, Step::Applied(Applied::By(THREE_WAY))));
    assert_eq!(played(Compat::V5, Some("git apply --check --reverse")).1, Step::Applied(Applied::AlreadyThere));
}

#[test]
fn the_older_chain_leaves_what_it_finds() {
    let all = ["git apply --verbose", "git apply --verbose --reject", "patch --batch --fuzz=5 -p1 -i"];
    assert_eq!(played(Compat::V4, None), (all.map(str::to_owned).to_vec(), Step::Failed));
}
