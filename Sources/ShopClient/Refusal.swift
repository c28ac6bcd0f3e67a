import JSON
import Messaging
import WebClient

/// A final refusal.
package struct Refusal: Error, Sendable, Hashable, CustomStringConvertible {
    package let status: Int
    /// The last part of the problem's type: `cart-ordered`.
    package let kind: String
    package let detail: String

    package init(status: Int, kind: String, detail: String) {
        self.status = status
        self.kind = kind
        self.detail = detail
    }

    package init(_ response: WebResponse) {
        struct Problem: Decodable { let type, detail: String? }
        let problem: Problem? = try? JSON.decode(from: response.body)
        self.init(
            status: response.status, kind: problem?.type?.split(separator: "/").last.map(String.init) ?? "unknown",
            detail: problem?.detail ?? "")
    }

    package var description: String { "\(status) \(kind)" + (detail.isEmpty ? "" : ": \(detail)") }
}
