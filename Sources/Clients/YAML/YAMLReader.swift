import CYAML

/// Reads a YAML document with libyaml.
///
/// Rejects what settings and descriptions of an API do not need: anchors, aliases, tags, several documents, keys that are not strings, and duplicate keys.
/// Any input results in a value or an error.
public struct YAMLReader {
    public struct Failure: Error, Equatable {
        /// The line of the document, counted from 1.
        public let line: Int
        public let message: String
    }

    /// The most levels of nested mappings and sequences; deeper documents are rejected before they can exhaust the stack.
    static let maximumDepth = 64

    private enum Event {
        case scalar(String, isPlain: Bool)
        case mapping, sequence
        /// The end of the innermost mapping or sequence.
        case end
        /// The beginning or the end of the document.
        case document
        /// The end of the bytes.
        case streamEnd
    }

    /// Lives as long as the call of ``read(_:)``. It is on the heap because libyaml keeps its address.
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    /// Where the last event began.
    private var line = 1
    private var depth = 0

    /// The value of a document; nil when the document has none.
    public static func read(_ bytes: [UInt8]) throws(Failure) -> YAMLNode? {
        // libyaml aborts the process when the input is empty.
        guard !bytes.isEmpty else { return nil }
        let parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
        defer { parser.deallocate() }
        guard yaml_parser_initialize(parser) == 1 else { throw Failure(line: 1, message: "there is not enough memory to read it") }
        defer { yaml_parser_delete(parser) }
        yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        let result: Result<YAMLNode?, Failure> = bytes.withUnsafeBufferPointer { input in
            yaml_parser_set_input_string(parser, input.baseAddress, input.count)
            return Result { () throws(Failure) in
                var reader = YAMLReader(parser: parser)
                return try reader.document()
            }
        }
        return try result.get()
    }

    private init(parser: UnsafeMutablePointer<yaml_parser_t>) {
        self.parser = parser
    }

    private func failure(_ message: String) -> Failure { Failure(line: line, message: message) }

    // MARK: Values

    private mutating func document() throws(Failure) -> YAMLNode? {
        guard case .document = try next() else { return nil }
        let root = try node(try next())
        _ = try next()
        guard case .streamEnd = try next() else { throw failure("a second document begins") }
        return root
    }

    /// The value that begins with this event.
    private mutating func node(_ event: Event) throws(Failure) -> YAMLNode {
        let line = self.line
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.maximumDepth else { throw failure("it is nested more than \(Self.maximumDepth) levels deep") }
        switch event {
        case .scalar(let text, let isPlain): return YAMLNode(value: .scalar(text, isPlain: isPlain), line: line)
        case .mapping: return YAMLNode(value: .mapping(try members()), line: line)
        case .sequence: return YAMLNode(value: .sequence(try elements()), line: line)
        case .end, .document, .streamEnd: throw failure("a value is expected")
        }
    }

    private mutating func members() throws(Failure) -> [(key: String, value: YAMLNode)] {
        var members: [(key: String, value: YAMLNode)] = []
        var known: Set<String> = []
        while true {
            switch try next() {
            case .end: return members
            case .scalar(let key, _):
                guard known.insert(key).inserted else { throw failure("'\(key)' is used twice") }
                members.append((key, try node(try next())))
            default: throw failure("a key is not a string")
            }
        }
    }

    private mutating func elements() throws(Failure) -> [YAMLNode] {
        var elements: [YAMLNode] = []
        while true {
            let event = try next()
            if case .end = event { return elements }
            elements.append(try node(event))
        }
    }

    // MARK: Events

    private mutating func next() throws(Failure) -> Event {
        var event = yaml_event_t()
        guard yaml_parser_parse(parser, &event) == 1 else { throw trouble }
        defer { yaml_event_delete(&event) }
        line = Int(clamping: event.start_mark.line) + 1
        switch event.type {
        case YAML_STREAM_START_EVENT: return try next()
        case YAML_DOCUMENT_START_EVENT, YAML_DOCUMENT_END_EVENT: return .document
        case YAML_SCALAR_EVENT:
            let scalar = event.data.scalar
            try refuseMarks(anchor: scalar.anchor, tag: scalar.tag)
            let text = String(decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
            return .scalar(text, isPlain: scalar.style == YAML_PLAIN_SCALAR_STYLE)
        case YAML_MAPPING_START_EVENT:
            try refuseMarks(anchor: event.data.mapping_start.anchor, tag: event.data.mapping_start.tag)
            return .mapping
        case YAML_SEQUENCE_START_EVENT:
            try refuseMarks(anchor: event.data.sequence_start.anchor, tag: event.data.sequence_start.tag)
            return .sequence
        case YAML_MAPPING_END_EVENT, YAML_SEQUENCE_END_EVENT: return .end
        case YAML_ALIAS_EVENT: throw failure("an alias is used")
        // After the end of the bytes libyaml returns events without a type.
        default: return .streamEnd
        }
    }

    private func refuseMarks(anchor: UnsafeMutablePointer<UInt8>?, tag: UnsafeMutablePointer<UInt8>?) throws(Failure) {
        if anchor != nil { throw failure("an anchor is used") }
        if tag != nil { throw failure("a tag is used") }
    }

    /// The failure for libyaml's own error.
    private var trouble: Failure {
        let state = parser.pointee
        // An encoding error has an offset but no line.
        let mark = state.error == YAML_READER_ERROR ? state.mark : state.problem_mark
        return Failure(line: Int(clamping: mark.line) + 1, message: state.problem.map { String(cString: $0) } ?? "there is not enough memory to read it")
    }
}
