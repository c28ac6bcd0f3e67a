import Contracts
import FoundationEssentials
import Messaging
import Topology

private func repository(file: String = #filePath) -> URL {
    URL(filePath: file).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
}

/// The repository's own definitions file.
func repositoryDefinitions() throws -> Definitions {
    try Definitions(contentsOf: repository().appending(path: "topology/definitions.json").path)
}

/// The operations that only Wharf's own processes request.
let internalOperations = [
    MessageName.restock, "orders.orders.versions", "catalog.imports.versions",
    MessageName.resolveSession, MessageName.sealingKey, MessageName.price, MessageName.reserve, MessageName.release, MessageName.commit, MessageName.sell,
    MessageName.place, MessageName.advance, MessageName.waitForOrder, MessageName.charge, MessageName.void, MessageName.capture,
    MessageName.undoExtra, MessageName.completeApproval, MessageName.unresolved, MessageName.performRefund, MessageName.reopenCart, MessageName.armLink, MessageName.preparePasswordReset,
    MessageName.accountMail, MessageName.setPreferences,
    MessageName.storeImportPiece, MessageName.advanceImport, MessageName.eraseInCarts, MessageName.eraseInOrders,
    MessageName.eraseInNotifications, MessageName.eraseOrdersInNotifications, MessageName.customerErased, MessageName.exportFromCarts,
    MessageName.exportFromOrders, MessageName.exportFromNotifications, MessageName.exportFromPayments, MessageName.eraseInPayments, MessageName.findPaymentMethods,
    MessageName.detachPaymentMethod, MessageName.advanceJob, MessageName.followReplays, MessageName.sendAlert, MessageName.runAlertCommand, MessageName.orderStates,
    MessageName.orderNews, MessageName.resendNotification,
    MessageName.findInInbox(of: "users"), MessageName.findInInbox(of: "catalog"), MessageName.findInInbox(of: "carts"), MessageName.findInInbox(of: "orders"),
    MessageName.findInInbox(of: "payments"), MessageName.findInInbox(of: "notifications"), MessageName.findInInbox(of: "deadletters"),
]

/// The operations that clients request over HTTP: those of the repository's own document.
let offeredOperations: [String] = {
    let document = repository().appending(path: "topology/openapi.yaml")
    let lines = (try? String(contentsOf: document, encoding: .utf8))?.split(separator: "\n") ?? []
    return lines.compactMap { line in
        let (name, value) = (line.prefix { $0 != ":" }, line.drop { $0 != ":" }.dropFirst())
        return name.trimmingPrefix(while: \.isWhitespace) == "operationId" ? String(value.trimmingPrefix(while: \.isWhitespace)) : nil
    }
}()

/// Services that register each operation under its own prefix and do nothing.
func services(changing change: (inout [String: [String]]) -> Void = { _ in }) -> [ServiceDefinition] {
    var operations = Dictionary(grouping: offeredOperations + internalOperations) { String($0.prefix { $0 != "." }) }
    operations["notifications", default: []] += [MessageName.orderConfirmed, MessageName.orderRejected]
    operations["notifications", default: []] += [
        "actionRequired", "shipped", "delivered", "cancelled", "refunded", "returnRequested", "returnApproved", "returnRefused",
    ].map { "order.\($0)" }
    change(&operations)
    let queues = [
        "catalog": ["catalog.queries", "catalog.commands", "catalog.imports"],
        "users": ["users.queries", "users.commands", "users.credentials", "users.registrations"],
        "deadletters": ["deadletters.queries", "deadletters.commands", "deadletters.jobs", "dead-letters"],
    ]
    return operations.sorted { $0.key < $1.key }.map { name, keys in
        ServiceDefinition(
            name: name, operations: keys.map(idle), queues: queues[name],
            sensitiveQueues: name == "users" ? ["users.credentials", "users.registrations"] : [])
    }
}

private func idle(_ key: String) -> Messaging.Operation {
    .query(key, reading: { _ in }, handle: { items, _ in items.map { _ in .done() } })
}
