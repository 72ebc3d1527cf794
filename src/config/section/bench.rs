//! `[bench]`: how benchmarks are judged where the command line does not say it.

use crate::base::schema::Shape;
use crate::config::key::{Key, choice_of, name_of};
use crate::model::container::{Containers, TestNetwork};

pub(super) static KEYS: &[Key] = &[
    Key {
        name: "bench.containers",
        about: "whether `divisi bench`, and evaluations in plans, judge instances of SWE-bench in containers of their images: auto, where \
                an engine works and the image is here; never; always, pulling images that are not here",
        shape: || Shape::choice(Containers::WORDS),
        get: |config| name_of(config.settings.containers, Containers::WORDS),
        set: |config, value| {
            config.settings.containers = choice_of(value, Containers::WORDS)?;
            Ok(())
        },
    },
    Key {
        name: "bench.network",
        about: "whether tests of benchmarks may use the network: on, off, or auto: not in a container, and without one they may",
        shape: || Shape::choice(TestNetwork::WORDS),
        get: |config| name_of(config.settings.test_network, TestNetwork::WORDS),
        set: |config, value| {
            config.settings.test_network = choice_of(value, TestNetwork::WORDS)?;
            Ok(())
        },
    },
];
