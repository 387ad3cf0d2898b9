//! What the machine makes of opcodes, and what it refuses.

use super::*;

#[test]
fn a_call_is_written_down_and_never_made() {
    let pickle = Pickle::parse(b"c_codecs\nencode\np0\n(Vecho \xe9\\u005c\np1\ntp2\nRp3\n.").expect("a pickle");
    let object = pickle.object(&pickle.root).expect("what the call would give");
    assert_eq!((&*object.class, &object.items), ("_codecs.encode", &vec![Value::Text("echo é\\".into())]));
}

#[test]
fn what_models_are_not_made_of_is_refused_by_name() {
    for (pickle, name) in [
        (&b"cposix\nsystem\n(Vecho\ntR."[..], "posix.system"),
        (b"\x80\x04\x8c\x05posix\x8c\x06system\x93.", "posix.system"),
        (b"c__builtin__\neval\n.", "__builtin__.eval"),
        (b"csklearnx\nTree\n.", "sklearnx.Tree"),
        (b"cos.sklearn\nTree\n.", "os.sklearn.Tree"),
    ] {
        let outcome = Pickle::parse(pickle);
        assert!(outcome.is_err_and(|error| error.contains(&format!("`{name}` is nothing"))), "{name}");
    }
    let long = [b"csklearn\n".to_vec(), vec![b'a'; 5000], b"\n.".to_vec()].concat();
    assert!(Pickle::parse(&long).is_err_and(|error| error.len() < 300));
}

#[test]
fn opcodes_of_every_protocol_give_their_values() {
    let text = |text: &str| Value::Text(text.into());
    for (pickle, value) in [
        (&b"I01\n."[..], Value::Whole(1)),
        (b"L-7L\n.", Value::Whole(-7)),
        (b"K\xff.", Value::Whole(255)),
        (b"M\x01\x02.", Value::Whole(513)),
        (b"J\xfe\xff\xff\xff.", Value::Whole(-2)),
        (b"\x80\x02\x88.", Value::Whole(1)),
        (b"\x89.", Value::Whole(0)),
        (b"\x8a\x00.", Value::Whole(0)),
        (b"\x8a\x02\x00\xff.", Value::Whole(-256)),
        (b"\x8b\x01\x00\x00\x00\x7f.", Value::Whole(127)),
        (b"\x8a\x09\x01\x01\x01\x01\x01\x01\x01\x01\x01.", Value::Huge),
        (b"I99999999999999999999\n.", Value::Huge),
        (b"G\x3f\xf8\x00\x00\x00\x00\x00\x00.", Value::Number(1.5)),
        (b"F-2.5\n.", Value::Number(-2.5)),
        (b"X\x02\x00\x00\x00\xc3\xa9.", text("é")),
        (b"\x8c\x01a.", text("a")),
        (b"\x8d\x01\x00\x00\x00\x00\x00\x00\x00a.", text("a")),
        (b"U\x01\xe9.", text("é")),
        // As `pickle.loads` reads them with `encoding="latin1"`.
        (b"S'a\\x00\\xe9\\n\\'\\\\ \\t\\r\"'\n.", text("a\0é\n'\\ \t\r\"")),
        (b"S\"it's\"\n.", text("it's")),
        (b"\x80\x04\x95\x05\x00\x00\x00\x00\x00\x00\x00C\x03abc.", Value::Bytes { at: 13, len: 3 }),
        (b"\x96\x01\x00\x00\x00\x00\x00\x00\x00a.", Value::Bytes { at: 9, len: 1 }),
        (b"K\x01K\x020.", Value::Whole(1)),
        (b"K\x01(K\x02K\x031.", Value::Whole(1)),
        (b"K\x012\x94h\x00.", Value::Whole(1)),
        (b"K\x05q\x07K\x01j\x07\x00\x00\x00.", Value::Whole(5)),
    ] {
        let read = Pickle::parse(pickle).unwrap_or_else(|error| panic!("{}: {error}", pickle.escape_ascii()));
        assert_eq!(read.root, value, "{}", pickle.escape_ascii());
    }
    let items = |pickle: &[u8]| {
        let read = Pickle::parse(pickle).unwrap_or_else(|error| panic!("{}: {error}", pickle.escape_ascii()));
        let object = read.object(&read.root).expect("an object");
        (object.class.to_string(), object.items.clone(), object.entries.clone())
    };
    let [one, two] = [1, 2].map(Value::Whole);
    for (pickle, class, held) in [
        (&b")."[..], "tuple", vec![]),
        (b"K\x01\x85.", "tuple", vec![one.clone()]),
        (b"K\x01K\x02\x86.", "tuple", vec![one.clone(), two.clone()]),
        (b"](K\x01K\x02e.", "list", vec![one.clone(), two.clone()]),
        (b"(K\x01lK\x02a.", "list", vec![one.clone(), two.clone()]),
        (b"\x8f(K\x01\x90.", "set", vec![one.clone()]),
        (b"(K\x01\x91.", "set", vec![one.clone()]),
        (b"cnumpy\ndtype\nK\x01\x85\x81.", "numpy.dtype", vec![one.clone()]),
        (b"cnumpy\ndtype\nK\x01\x85}\x92.", "numpy.dtype", vec![one.clone()]),
    ] {
        assert_eq!(items(pickle), (class.to_owned(), held, BTreeMap::new()), "{}", pickle.escape_ascii());
    }
    let entries = BTreeMap::from([("a".into(), one), ("b".into(), two)]);
    for pickle in [&b"}(\x8c\x01aK\x01\x8c\x01bK\x02u."[..], b"(Va\nK\x01Vb\nK\x02d.", b"}Va\nK\x01sVb\nK\x02s."] {
        assert_eq!(items(pickle).2, entries, "{}", pickle.escape_ascii());
    }
}

#[test]
fn what_is_no_such_pickle_is_refused() {
    for (wrong, said) in [
        (&b""[..], "ends early"),
        (b".", "the stack is empty"),
        (b"(.", "nothing stands above the mark"),
        (b"t.", "there is no mark"),
        (b"I1\nI2\nb.", "no object stands"),
        (b"cnumpy\ndtype\nI2\nR.", "no tuple"),
        (b"I1\n(tR.", "no name"),
        (b"g7\n.", "nothing is remembered as 7"),
        (b"g-\n.", "no place to remember at"),
        (b"Ione\n.", "no whole number"),
        (b"V\\u00\n.", "escape"),
        (b"S'\n.", "not in quotes"),
        (b"S'a\"\n.", "not in quotes"),
        (b"S'a\\'\n.", "not in quotes"),
        (b"S'\\x0'\n.", "not in quotes"),
        (b"S'\\xg0'\n.", "escape"),
        (b"S'\\q'\n.", "escape"),
        (b"\x80\x06.", "protocol 6"),
        (b"\x97.", "the opcode"),
        (b"Pname\n.", "the opcode `P`"),
        (b"(I1\nd.", "a key without a value"),
        (b"I1\nI2\na.", "no object stands"),
        (b"\x8c\x05ab.", "more bytes are said than there are"),
        (b"\x8e\xff\xff\xff\xff\xff\xff\xff\xff.", "more bytes are said than there are"),
        (b"\x8c\x01\xff.", "not UTF-8"),
        (b"K\x01K\x02\x93.", "a name that is no text"),
        (b"cnumpy\nB\np0\n(NNNNNNNNNNNNNNNNNNNNtp1\nRg0\ng1\nRg0\ng1\nR.", "more arguments than there are bytes"),
        (b"cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81}b.", "without its form"),
    ] {
        let outcome = Pickle::parse(wrong);
        assert!(outcome.as_ref().is_err_and(|error| error.contains(said)), "{said}: {outcome:?}");
    }
}

#[test]
fn what_costs_more_than_it_is_worth_is_left_out() {
    let array = |axes: usize| {
        let head = b"cnumpy.core.numeric\n_frombuffer\n(C\x01acnumpy\ndtype\n(Vu1\nI0\nI1\ntR(I3\nV|\nNNNtb(";
        [&head[..], "I1\n".repeat(axes).as_bytes(), b"tVF\ntR."].concat()
    };
    for (axes, is_read) in [(64, true), (65, false)] {
        let bytes = array(axes);
        let pickle = Pickle::parse(&bytes).expect("a pickle");
        assert_eq!(pickle.numbers(&pickle.root).is_some(), is_read, "{axes} axes");
    }
    let long = format!("}}V{}\nI1\nsVshort\nI2\ns.", "k".repeat(5000));
    let pickle = Pickle::parse(long.as_bytes()).expect("a pickle");
    let entries = &pickle.object(&pickle.root).expect("a dictionary").entries;
    assert_eq!(*entries, BTreeMap::from([("short".into(), Value::Whole(2))]));
}

/// An array as joblib has it: its form, then a byte that says how many follow to be passed over, then the items.
#[test]
fn arrays_of_joblib_are_read_where_they_stand() {
    let wrapped = |dims: &str, tail: &[u8]| {
        let head = b"cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81}(Vdtype\ncnumpy\ndtype\n(Vf8\ntR(I3\nV<\nNNNtbVorder\nVF\n";
        let form = format!("Vshape\n({dims}tVnumpy_array_alignment_bytes\nI16\nub");
        [&head[..], form.as_bytes(), tail].concat()
    };
    let numbers: Vec<u8> = (0..6).flat_map(|at| f64::from(at).to_le_bytes()).collect();
    let tail = [b"\x03\xff\xff\xff", &numbers[..], b"."].concat();
    let bytes = wrapped("I2\nI3\n", &tail);
    let pickle = Pickle::parse(&bytes).expect("a pickle");
    let rows = vec![0.0, 2.0, 4.0, 1.0, 3.0, 5.0];
    assert_eq!(pickle.numbers(&pickle.root), Some((vec![2, 3], rows)), "columns one after the other");
    for (dims, tail) in [("I2\nI4\n", &tail), ("I-1\n", &tail), ("I4294967296\nI4294967296\n", &tail)] {
        assert!(Pickle::parse(&wrapped(dims, tail)).is_err(), "{dims}");
    }
}
