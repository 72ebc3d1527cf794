use super::{available, load};

#[test]
fn the_kernels_files_are_read() {
    assert_eq!(available("MemTotal:  1000 kB\nMemFree:  1 kB\nMemAvailable:   255 kB\n"), Some(25));
    assert_eq!(available("MemFree: 1 kB\n"), None);
    assert_eq!(load("11.50 9.00 8.00 1/100 5\n", 2), Some(575));
    assert_eq!(load("garbage", 2), None);
}
