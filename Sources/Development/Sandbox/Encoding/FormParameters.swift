/// A form-encoded body or query string as Stripe reads it: `amount=100&metadata[order_id]=42&payment_method_types[]=card`.
struct FormParameters: Sendable, Equatable {
    struct Entry: Sendable, Equatable {
        /// The decoded name with its brackets: `metadata[order_id]`.
        let name: String
        let value: String
    }

    /// More fields than any Stripe request has.
    static let maximumEntries = 200

    let entries: [Entry]

    /// Throws an `invalid_request_error` (400) for a broken percent escape, text that is not UTF-8, or too many fields.
    init(decoding encoded: some Sequence<UInt8>) throws(StripeError) {
        var entries: [Entry] = []
        for pair in Array(encoded).split(separator: UInt8(ascii: "&")) {
            guard entries.count < Self.maximumEntries else {
                throw .invalidRequest("Received more than \(Self.maximumEntries) parameters.")
            }
            let name = pair.prefix { $0 != UInt8(ascii: "=") }
            entries.append(Entry(name: try Self.text(name), value: try Self.text(pair.dropFirst(name.count + 1))))
        }
        self.entries = entries
    }

    /// The same for the same parameters, whatever their order on the wire.
    var canonicalBytes: [UInt8] {
        var bytes: [UInt8] = []
        for entry in entries.sorted(by: { ($0.name, $0.value) < ($1.name, $1.value) }) {
            // Lengths keep the pieces apart, so no value can pass for two fields.
            bytes.append(contentsOf: "\(entry.name.utf8.count):\(entry.name)\(entry.value.utf8.count):\(entry.value)".utf8)
        }
        return bytes
    }

    private static func text(_ encoded: ArraySlice<UInt8>) throws(StripeError) -> String {
        var decoded: [UInt8] = []
        decoded.reserveCapacity(encoded.count)
        var index = encoded.startIndex
        while index < encoded.endIndex {
            switch encoded[index] {
            case UInt8(ascii: "+"):
                decoded.append(UInt8(ascii: " "))
            case UInt8(ascii: "%"):
                guard index + 2 < encoded.endIndex, let high = hexadecimal(encoded[index + 1]), let low = hexadecimal(encoded[index + 2])
                else { throw .invalidRequest("Invalid percent escape in the request's parameters.") }
                decoded.append(high << 4 | low)
                index += 2
            case let byte:
                decoded.append(byte)
            }
            index += 1
        }
        guard let text = String(validating: decoded, as: UTF8.self) else {
            throw .invalidRequest("Invalid UTF-8 in the request's parameters.")
        }
        return text
    }

    private static func hexadecimal(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
