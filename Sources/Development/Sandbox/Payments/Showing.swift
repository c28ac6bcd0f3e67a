import JSON

/// How an object is shown: the address at which the customer's browser reaches the sandbox, and the references that are expanded (`expand`).
struct Showing: Sendable {
    let publicURL: String
    var expansion = Expansion()
    /// Where expanded objects are looked up; without it, only ids are written.
    var book: PaymentBook?

    /// How to show the object to which this field refers.
    func behind(_ field: String) -> Showing {
        Showing(publicURL: publicURL, expansion: expansion.behind(field), book: book)
    }
}

/// The references that a request wants expanded, as in `latest_charge.balance_transaction`.
struct Expansion: Sendable, Equatable {
    /// Stripe's own limit.
    static let maximumDepth = 4

    enum Kind: Sendable {
        case payment, charge, refund, dispute, customer, paymentMethod, balanceTransaction
        /// A list of refunds.
        case refunds

        /// What can be expanded, and to what.
        var references: [String: Kind] {
            switch self {
            case .payment: ["latest_charge": .charge, "payment_method": .paymentMethod, "customer": .customer]
            case .charge: ["refunds": .refunds, "balance_transaction": .balanceTransaction, "payment_intent": .payment, "customer": .customer]
            case .refund: ["charge": .charge, "payment_intent": .payment, "balance_transaction": .balanceTransaction, "failure_balance_transaction": .balanceTransaction]
            case .dispute: ["charge": .charge, "payment_intent": .payment]
            case .paymentMethod: ["customer": .customer]
            case .refunds: ["data": .refund]
            case .customer, .balanceTransaction: [:]
            }
        }
    }

    private var names: Set<String> = []

    init() {}

    /// - Throws: for a name that is not a reference of the object, or is too deep.
    init(_ names: [String], of kind: Kind, inList: Bool = false) throws(StripeError) {
        for name in names {
            var parts = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
            if inList {
                guard parts.first == "data" else { throw Self.refused(name) }
                parts.removeFirst()
            }
            guard (1...Self.maximumDepth).contains(parts.count) else { throw Self.refused(name) }
            var here = kind
            for part in parts {
                guard let next = here.references[part] else { throw Self.refused(name) }
                here = next
            }
            self.names.insert(parts.joined(separator: "."))
        }
    }

    func contains(_ field: String) -> Bool {
        names.contains { $0 == field || $0.hasPrefix("\(field).") }
    }

    fileprivate func behind(_ field: String) -> Expansion {
        var rest = Expansion()
        rest.names = Set(names.filter { $0.hasPrefix("\(field).") }.map { String($0.dropFirst(field.count + 1)) })
        return rest
    }

    private static func refused(_ name: String) -> StripeError {
        .invalidRequest("This property cannot be expanded (\(name)).", parameter: "expand")
    }
}

extension JSONWriter {
    /// Writes the id of another object, or the whole object.
    mutating func reference(_ name: String, _ id: String?, _ showing: Showing, _ write: (inout JSONWriter, PaymentBook, Showing) -> Bool) {
        guard id != nil, showing.expansion.contains(name), let book = showing.book else { return field(name, id) }
        var whole = JSONWriter()
        guard write(&whole, book, showing.behind(name)) else { return field(name, id) }
        field(name) { $0.raw(whole.bytes) }
    }
}
