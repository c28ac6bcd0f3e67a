import Secrets

/// Brings `topology/definitions.json` to a broker, and tells how far a broker is from it. Nothing is ever deleted.
public enum Topology {
    /// Makes the broker hold the definitions, and returns what had to be changed: nothing when it did already.
    ///
    /// A user who is in `passwords` gets that password; every other user keeps the one it has in the broker, or has none and cannot log in.
    /// - Parameter passwords: password by user name.
    /// - Throws: ``TopologyError``; whatever `broker` throws when it cannot be reached.
    @discardableResult
    public static func apply(
        _ definitions: Definitions, passwords: [String: String] = [:], via broker: BrokerManagement
    ) async throws -> [Drift] {
        let strangers = Set(passwords.keys).subtracting(definitions.users.map(\.name)).sorted()
        guard strangers.isEmpty else {
            throw TopologyError(.unknownUser, "Passwords were given for users that the definitions do not have: \(list(strangers))")
        }
        let held = try await broker.definitions()
        let (wanted, renewed) = try definitions.withPasswords(passwords, keeping: held.users)
        let drift = Comparison(wanted: wanted, held: held).drift().filter { $0.kind != .extra }
        let conflicts = drift.filter { $0.kind == .different && $0.isFixed }
        guard conflicts.isEmpty else {
            throw TopologyError(
                .conflict,
                "The broker cannot change these; drain and delete them, then apply again: \(list(conflicts.map { "\($0.object): \($0.detail)" }))")
        }
        let touched = Set(drift.map(\.object))
        let changes = drift + renewed.filter { !touched.contains($0.title) }.map { Drift(.different, $0.title, "password") }
        guard !changes.isEmpty else { return [] }
        // No more than that: what is written again is decided again, and a virtual host loses its description.
        try await broker.importDefinitions(wanted.only(Set(changes.map(\.object))))
        let rest = try await check(wanted, via: broker).filter { $0.kind != .extra }
        guard rest.isEmpty else {
            throw TopologyError(.notApplied, "The broker accepted the definitions, yet: \(list(rest.map(\.description)))")
        }
        return changes
    }

    /// What differs between the definitions and the broker. Extra is told only of what is Wharf's: names that begin as the definitions' own do, bindings
    /// of their exchanges and queues, permissions of their users, policies that match their queues.
    /// - Throws: ``TopologyError`` with code `broker`; whatever `broker` throws when it cannot be reached.
    public static func check(_ definitions: Definitions, via broker: BrokerManagement) async throws -> [Drift] {
        Comparison(wanted: definitions, held: try await broker.definitions()).drift()
    }

    private static func list(_ items: [String]) -> String {
        items.joined(separator: "; ")
    }
}

extension Definitions {
    /// The definitions with the password hashes that the broker is to hold, and the users whose password that changes.
    fileprivate func withPasswords(
        _ passwords: [String: String], keeping held: [User]
    ) throws(TopologyError) -> (definitions: Definitions, renewed: [User]) {
        var result = self
        var renewed: [User] = []
        for (index, user) in users.enumerated() {
            let known = held.first { $0.name == user.name }
            if let password = passwords[user.name], known.map({ BrokerPassword.matches(password, $0) }) != true {
                do {
                    result.users[index].passwordHash = try BrokerPassword.hash(password)
                } catch {
                    throw TopologyError(.noRandomness, error.message)
                }
                result.users[index].hashingAlgorithm = BrokerPassword.algorithm
                renewed.append(user)
            } else if let known {
                result.users[index].passwordHash = known.passwordHash
                result.users[index].hashingAlgorithm = known.hashingAlgorithm
            }
        }
        return (result, renewed)
    }

    fileprivate func only(_ titles: Set<String>) -> Definitions {
        var part = Definitions()
        part.virtualHosts = virtualHosts.filter { titles.contains($0.title) }
        part.users = users.filter { titles.contains($0.title) }
        part.permissions = permissions.filter { titles.contains($0.title) }
        part.topicPermissions = topicPermissions.filter { titles.contains($0.title) }
        part.exchanges = exchanges.filter { titles.contains($0.title) }
        part.queues = queues.filter { titles.contains($0.title) }
        part.bindings = bindings.filter { titles.contains($0.title) }
        part.policies = policies.filter { titles.contains($0.title) }
        return part
    }
}
