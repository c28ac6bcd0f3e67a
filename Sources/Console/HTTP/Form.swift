import HTTPTypes
import Hummingbird
import NIOCore
import Runtime
import WebClient

/// The fields of a form, or of a query.
struct Form: Sendable, Equatable {
    /// The maximum number of encoded bytes: a letter's body of 1 MiB in which every third byte is escaped.
    static let maximumBytes = 2_097_152
    /// The maximum number of fields, which is more than any page has.
    static let maximumFields = 64

    private let fields: [String: String]

    init(_ fields: [String: String] = [:]) {
        self.fields = fields
    }

    /// Nil if the text is not encoded as a form, has too many fields, or has a field twice.
    init?(encoded bytes: some Collection<UInt8>) {
        guard let all = PercentEncoding.fields(bytes), all.count <= Self.maximumFields else { return nil }
        var fields: [String: String] = [:]
        for (name, value) in all {
            guard fields.updateValue(value, forKey: name) == nil else { return nil }
        }
        self.fields = fields
    }

    /// The value without surrounding white space, which may have several lines; nil if it is empty.
    subscript(_ name: String) -> String? {
        guard let text = fields[name] else { return nil }
        let trimmed = text.drop { $0.isWhitespace }
        return trimmed.isEmpty ? nil : String(trimmed.reversed().drop { $0.isWhitespace }.reversed())
    }

    /// The value as it was sent, with CR LF replaced by LF.
    func whole(_ name: String) -> String? { fields[name]?.replacing("\r\n", with: "\n") }

    func has(_ name: String) -> Bool { self[name] != nil }

    /// The non-empty fields with these names.
    func among(_ names: [String]) -> [String: String] {
        var found: [String: String] = [:]
        for name in names { found[name] = self[name] }
        return found
    }
}

extension Form {
    /// Reads the body of a request. Nil if it is too large, too slow, or not a form.
    static func read(_ request: Request, within deadline: Duration, clock: any WallClock) async -> Form? {
        let type = request.headers[.contentType]?.split(separator: ";").first?.lowercased()
        guard type == "application/x-www-form-urlencoded" else { return nil }
        let body = request.body
        let buffer: ByteBuffer? = try? await clock.within(deadline) { try await body.collect(upTo: maximumBytes) }
        guard let buffer else { return nil }
        return Form(encoded: Array(buffer.readableBytesView))
    }
}
