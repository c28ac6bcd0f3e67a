import AMQP
import Contracts
import FoundationEssentials
import Secrets

/// The headers that say which order a message is about. They are for logs alone: no handler reads them.
extension Subject {
    /// How many characters of a number or an event are kept, since any client of the broker may have written it.
    private static let maximumText = 64

    package init?(_ headers: [String: FieldValue]) {
        self.init { name in
            if case .string(let text)? = headers[name] { text } else { nil }
        }
    }

    init?(_ headers: [String: String]) {
        self.init { headers[$0] }
    }

    private init?(_ header: (String) -> String?) {
        guard let order = header(HeaderName.order).flatMap(UUID.init(text:)) else { return nil }
        func text(_ name: String) -> String? { header(name).map { String($0.prefix(Self.maximumText)) } }
        self.init(order: order, number: text(HeaderName.orderNumber), event: text(HeaderName.orderEvent))
    }

    func write(to headers: inout [String: FieldValue]) {
        headers[HeaderName.order] = .string(order.lowerCaseText)
        if let number { headers[HeaderName.orderNumber] = .string(number) }
        if let event { headers[HeaderName.orderEvent] = .string(event) }
    }
}
