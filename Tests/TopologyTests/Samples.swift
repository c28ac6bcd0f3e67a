import Contracts
import FoundationEssentials
import Messaging

/// The repository's own definitions file.
func repositoryDefinitions(file: String = #filePath) throws -> Definitions {
    let root = URL(filePath: file).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    return try Definitions(contentsOf: root.appending(path: "topology/definitions.json").path)
}

/// What only Wharf's own processes ask for.
let internalOperations = [
    MessageName.resolveSession, MessageName.sealingKey, MessageName.price, MessageName.reserve, MessageName.release, MessageName.commit,
    MessageName.place, MessageName.advance, MessageName.waitForOrder, MessageName.charge, MessageName.void,
    MessageName.undoExtra, MessageName.unresolved, MessageName.reopenCart, MessageName.armLink, MessageName.preparePasswordReset, MessageName.accountMail,
]

/// What clients ask for over HTTP.
let offeredOperations = [
    "users.accounts.create", "users.sessions.create", "users.sessions.list", "users.sessions.deleteCurrent",
    "users.sessions.deleteAll", "users.me.get",
    "users.accounts.list", "users.sessions.delete", "users.me.update", "users.password.change", "users.email.change", "users.addresses.list",
    "users.addresses.create", "users.addresses.get", "users.addresses.replace", "users.addresses.delete", "users.accounts.get",
    "users.accounts.update", "users.emailVerifications.create", "users.emailVerifications.confirm", "users.passwordResets.create",
    "users.passwordResets.confirm",
    "catalog.products.list", "catalog.products.get", "catalog.products.create", "catalog.products.update",
    "catalog.products.archive", "catalog.stock.get", "catalog.stock.set", "catalog.stock.adjust", "catalog.stock.movements",
    "catalog.categories.list", "catalog.categories.get", "catalog.categories.create", "catalog.categories.update", "catalog.categories.delete",
    "catalog.products.suggest", "catalog.synonyms.get", "catalog.synonyms.put",
    "carts.carts.create", "carts.carts.get", "carts.carts.current", "carts.carts.delete", "carts.carts.claim",
    "carts.items.put", "carts.items.delete", "carts.checkouts.create",
    "orders.orders.list", "orders.orders.get", "payments.webhooks.stripe", "notifications.notifications.list",
    "deadletters.letters.list", "deadletters.letters.get", "deadletters.letters.replay", "deadletters.letters.discard",
    "deadletters.letters.restore",
]

/// Services that register each operation under its own prefix and do nothing.
func services(changing change: (inout [String: [String]]) -> Void = { _ in }) -> [ServiceDefinition] {
    var operations = Dictionary(grouping: offeredOperations + internalOperations) { String($0.prefix { $0 != "." }) }
    operations["notifications", default: []] += [MessageName.orderConfirmed, MessageName.orderRejected]
    change(&operations)
    let queues = [
        "users": ["users.queries", "users.commands", "users.credentials", "users.registrations"], "payments": ["payments.commands"],
        "deadletters": ["deadletters.queries", "deadletters.commands", "dead-letters"],
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
