import Contracts
import Input
import Messaging

/// The request headers that the ingress acts on. Each reader takes the header's values as received.
enum RequestID {
    static let maximumLength = 128

    /// The client's own id, if it can be logged as it is.
    static func accepted(_ value: String?) -> String? {
        guard let value, (1...maximumLength).contains(value.utf8.count), value.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else { return nil }
        return value
    }
}

/// `Idempotency-Key` (IETF draft).
enum IdempotencyKey {
    static let maximumLength = 255

    static func read(_ values: [String], isRequired: Bool) throws(Refusal) -> String? {
        guard let key = values.first else {
            guard isRequired else { return nil }
            throw .badHeader("Idempotency-Key", "is required for this operation")
        }
        guard values.count == 1, (1...maximumLength).contains(key.utf8.count), key.utf8.allSatisfy({ (0x20...0x7E).contains($0) })
        else { throw .badHeader("Idempotency-Key", "must be 1 to \(maximumLength) printable ASCII characters") }
        return key
    }
}

/// `Prefer: wait=N` (RFC 7240).
enum WaitPreference {
    static let maximumSeconds = 30

    /// Seconds from 1 to 30, larger values taken as 30; nil when there is no wait or a malformed one, as the RFC requires.
    static func read(_ values: [String]) -> Int? {
        for preference in values.joined(separator: ",").split(separator: ",") {
            guard let setting = preference.split(separator: ";").first, let (name, value) = setting.halves(at: "="),
                name.trimmed.lowercased() == "wait"
            else { continue }
            let digits = value.trimmed.drop(while: { $0 == "\"" }).prefix(while: { $0 != "\"" })
            guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
            let seconds = Int(digits) ?? maximumSeconds
            return seconds == 0 ? nil : min(seconds, maximumSeconds)
        }
        return nil
    }
}

/// `ETag` and `If-None-Match` (RFC 9110).
enum EntityTag {
    /// Whether `condition` names `tag`, by weak comparison.
    static func matches(_ condition: [String], _ tag: String) -> Bool {
        condition.contains { EntityTags($0).matchWeakly(tag) }
    }
}

/// `Authorization: Bearer` (RFC 6750).
enum BearerToken {
    static let maximumLength = 512

    /// Nil when the request has no token.
    static func read(_ values: [String]) throws(Refusal) -> String? {
        guard let value = values.first else { return nil }
        guard values.count == 1, let (scheme, rest) = value.halves(at: " "), scheme.lowercased() == "bearer" else {
            throw .unauthorized("Authorization must be 'Bearer' and a session token.", error: "invalid_request")
        }
        let token = rest.trimmed
        guard (1...maximumLength).contains(token.utf8.count), token.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw .unauthorized("The session token is malformed.", error: "invalid_token")
        }
        return String(token)
    }
}

/// `Content-Encoding` of a request.
enum ContentCoding {
    case identity, gzip

    static func read(_ values: [String]) throws(Refusal) -> ContentCoding {
        let codings = values.flatMap { $0.split(separator: ",") }.map { $0.trimmed.lowercased() }.filter { $0 != "identity" }
        switch codings {
        case []: return .identity
        case ["gzip"], ["x-gzip"]: return .gzip
        default: throw .unsupportedCoding
        }
    }
}

/// `Content-Type`.
enum MediaType {
    static let json = "application/json"
    static let mergePatch = "application/merge-patch+json"

    static func check(_ value: String?, isOneOf accepted: [String]) throws(Refusal) {
        let type = value?.split(separator: ";").first?.trimmed.lowercased()
        guard let type, accepted.contains(type) else { throw .unsupportedMediaType(accepted) }
    }
}

extension StringProtocol where SubSequence == Substring {
    /// What stands before the first `separator` and after it; nil where there is none.
    func halves(at separator: Character) -> (Substring, Substring)? {
        guard let place = firstIndex(of: separator) else { return nil }
        return (self[..<place], self[index(after: place)...])
    }

    /// Without the white space that HTTP allows around a value.
    var trimmed: Substring {
        var view = self[...]
        while let first = view.first, first == " " || first == "\t" { view.removeFirst() }
        while let last = view.last, last == " " || last == "\t" { view.removeLast() }
        return view
    }
}
