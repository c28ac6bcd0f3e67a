import FoundationEssentials
import Secrets

/// `Stripe-Signature: t=1768469400,v1=5257a8…`: the time of sending, and the HMAC-SHA256 of `t.body` under the endpoint's secret.
/// There may be several `v1` while a secret is being replaced.
struct StripeSignature {
    /// The maximum age in seconds: an older one may be a replay by an eavesdropper. A time ahead of ours comes from a clock that differs, and is harmless: the
    /// code proves that Stripe wrote it. Stripe's own libraries use the same rule.
    static let tolerance = 300.0
    static let maximumLength = 2_000
    static let maximumCodes = 8

    enum Fault: Error, Equatable {
        case missing, malformed, outOfTime, wrong

        var detail: String {
            switch self {
            case .missing: "The header is missing."
            case .malformed: "The header is not of the form t=…,v1=…"
            case .outOfTime: "Its timestamp is more than \(Int(tolerance)) seconds ago."
            case .wrong: "It does not belong to this body."
            }
        }
    }

    let timestamp: Int64
    let codes: [[UInt8]]

    init(_ values: [String]) throws(Fault) {
        guard let header = values.first else { throw .missing }
        guard values.count == 1, header.utf8.count <= Self.maximumLength else { throw .malformed }
        var timestamps: [Int64] = []
        var codes: [[UInt8]] = []
        for part in header.split(separator: ",") {
            guard let (name, value) = part.halves(at: "=") else { throw .malformed }
            switch name {
            case "t":
                guard let timestamp = Int64(value) else { throw .malformed }
                timestamps.append(timestamp)
            case "v1":
                // A code that is not lower-case hexadecimal matches nothing; another one may.
                if let code = Self.code(value), codes.count < Self.maximumCodes { codes.append(code) }
            default: continue
            }
        }
        guard timestamps.count == 1, let timestamp = timestamps.first, !codes.isEmpty else { throw .malformed }
        self.timestamp = timestamp
        self.codes = codes
    }

    private static func code(_ text: Substring) -> [UInt8]? {
        text.utf8.contains { (UInt8(ascii: "A")...UInt8(ascii: "F")).contains($0) } ? nil : Hex.decode(String(text))
    }

    /// - Parameter secrets: One of them must have signed.
    func verify(_ body: [UInt8], secrets: [String], now: Date) throws(Fault) {
        let message = Array("\(timestamp).".utf8) + body
        let isSigned = secrets.contains { secret in
            let key = Array(secret.utf8)
            return codes.contains { HMACSHA256.isValid($0, for: message, key: key) }
        }
        guard isSigned else { throw .wrong }
        guard now.timeIntervalSince1970 - Double(timestamp) <= Self.tolerance else { throw .outOfTime }
    }
}
