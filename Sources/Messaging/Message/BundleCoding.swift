import AMQP

/// The bytes of a bundle: fields of a tag, a length (four bytes, big-endian) and a value. A body ends its message.
///
/// Not JSON, because each message is coded here twice on every hop, and a body may contain any bytes.
private enum BundleField: UInt8 {
    case body, messageID, replyTo, correlationID
    /// The name of a header, whose value follows as one of the next three.
    case name
    case text
    /// Eight bytes, big-endian.
    case number
    /// A header that is true; empty.
    case flag
}

struct BundleWriter {
    private(set) var bytes: [UInt8] = []

    /// Appends a message. Returns false, and leaves the bytes unusable, for a header that is not text, a number, or true.
    mutating func append(_ publication: Publication) -> Bool {
        let properties = publication.properties
        if let id = properties.messageID { field(.messageID, id.utf8) }
        if let address = properties.replyTo { field(.replyTo, address.utf8) }
        if let id = properties.correlationID { field(.correlationID, id.utf8) }
        for (name, value) in properties.headers {
            field(.name, name.utf8)
            switch value {
            case .string(let text): field(.text, text.utf8)
            case .integer(let number): field(.number, (0..<8).map { UInt8(truncatingIfNeeded: number >> (56 - 8 * $0)) })
            case .boolean(true): field(.flag, [])
            default: return false
            }
        }
        field(.body, publication.body)
        return true
    }

    private mutating func field(_ tag: BundleField, _ value: some Collection<UInt8>) {
        let count = UInt32(clamping: value.count)
        bytes.append(tag.rawValue)
        for shift in [24, 16, 8, 0] as [UInt32] { bytes.append(UInt8(truncatingIfNeeded: count >> shift)) }
        bytes += value
    }
}

/// Reads what ``BundleWriter`` writes, or any bytes that claim to be that.
struct BundleReader {
    struct Message {
        var messageID: String?
        var replyTo: String?
        var correlationID: String?
        var headers: [String: FieldValue] = [:]
        var body: [UInt8] = []
    }

    private let bytes: [UInt8]
    private var place = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// Returns all messages; nil when the bytes are not a bundle, or contain none or more than `limit`.
    mutating func messages(limit: Int) -> [Message]? {
        var messages: [Message] = []
        while place < bytes.count {
            guard messages.count < limit, let message = message() else { return nil }
            messages.append(message)
        }
        return messages.isEmpty ? nil : messages
    }

    private mutating func message() -> Message? {
        var message = Message()
        var name: String?
        while let (tag, value) = field() {
            switch tag {
            case .body:
                message.body = Array(value)
                return name == nil ? message : nil
            case .messageID: message.messageID = String(validating: value, as: UTF8.self)
            case .replyTo: message.replyTo = String(validating: value, as: UTF8.self)
            case .correlationID: message.correlationID = String(validating: value, as: UTF8.self)
            case .name:
                guard name == nil, let text = String(validating: value, as: UTF8.self) else { return nil }
                name = text
            case .text, .number, .flag:
                guard let header = name, let value = Self.header(tag, value) else { return nil }
                message.headers[header] = value
                name = nil
            }
        }
        return nil
    }

    private static func header(_ tag: BundleField, _ value: ArraySlice<UInt8>) -> FieldValue? {
        switch tag {
        case .text: String(validating: value, as: UTF8.self).map(FieldValue.string)
        case .number where value.count == 8: .integer(value.reduce(0) { $0 << 8 | Int64($1) })
        case .flag where value.isEmpty: .boolean(true)
        default: nil
        }
    }

    private mutating func field() -> (BundleField, ArraySlice<UInt8>)? {
        guard bytes.count - place >= 5, let tag = BundleField(rawValue: bytes[place]) else { return nil }
        let count = bytes[place + 1..<place + 5].reduce(0) { $0 << 8 | Int($1) }
        let start = place + 5
        guard count <= bytes.count - start else { return nil }
        place = start + count
        return (tag, bytes[start..<place])
    }
}
