use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{DIRECTORY, remove_empty, throw};

#[test]
fn a_trash_that_is_emptied_meanwhile_takes_everything() {
    let place = tempfile::tempdir().unwrap();
    let trash = place.path().join(DIRECTORY);
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                remove_empty(&trash);
            }
        });
        let mut refused = Vec::new();
        for number in 0..300 {
            let name = format!("s{number}");
            let directory = place.path().join(&name);
            fs::create_dir(&directory).unwrap();
            let thrown = throw(&directory, &name);
            // What lies in it keeps the trash: away, so that it can vanish again.
            refused.extend(thrown.as_ref().err().map(ToString::to_string));
            let _ = fs::remove_dir(thrown.unwrap_or(directory));
        }
        over.store(true, Ordering::Relaxed);
        assert_eq!(refused, Vec::<String>::new());
    });
}
