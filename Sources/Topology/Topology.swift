import Runtime
import Secrets

/// Applies `topology/definitions.json` to a broker, and reports how a broker differs from it. Nothing is deleted except an empty queue of another type,
/// which is recreated at once.
public enum Topology {
    /// Makes the broker match the definitions, and returns what had to be changed: nothing when it matched already.
    ///
    /// A user in `passwords` gets that password; every other user keeps the one it has in the broker, or has none and cannot log in.
    ///
    /// An existing queue with other fixed properties, such as its type, is recreated once it is empty: its consumers finish the messages that they hold, and
    /// reconnect to the new one.
    /// - Parameters:
    ///   - passwords: password by user name.
    ///   - clock: to wait, up to ``longestDrain`` per queue, until such a queue is empty; without a clock it must be empty already.
    /// - Throws: ``TopologyError``; any error of `broker` when it cannot be reached.
    @discardableResult
    public static func apply(
        _ definitions: Definitions, passwords: [String: String] = [:], via broker: BrokerManagement, clock: (any WallClock)? = nil
    ) async throws -> [Drift] {
        let strangers = Set(passwords.keys).subtracting(definitions.users.map(\.name)).sorted()
        guard strangers.isEmpty else {
            throw TopologyError(.unknownUser, "Passwords were given for users that the definitions do not have: \(list(strangers))")
        }
        let held = try await broker.definitions()
        let (wanted, renewed) = try definitions.fitted(to: held, nodeCount: try await broker.nodes().count).withPasswords(passwords, keeping: held.users)
        let drift = Comparison(wanted: wanted, held: held).drift().filter { $0.kind != .extra }
        let conflicts = drift.filter { $0.kind == .different && $0.isFixed }
        let renewals = wanted.queues.filter { queue in conflicts.contains { $0.object == queue.title } }
        let fixed = conflicts.filter { conflict in !renewals.contains { $0.title == conflict.object } }
        guard fixed.isEmpty else { throw conflict(fixed) }
        for queue in renewals where try await !renew(queue, of: wanted, lacking: drift, via: broker, clock) {
            throw conflict(conflicts.filter { $0.object == queue.title })
        }
        let touched = Set(drift.map(\.object))
        let changes = drift + renewed.filter { !touched.contains($0.title) }.map { Drift(.different, $0.title, "password") }
        guard !changes.isEmpty else { return [] }
        // Only the changed objects: whatever is written again is validated again, and a virtual host loses its description. A recreated queue is written twice,
        // because the broker may confirm the deletion before all of its nodes know.
        try await broker.importDefinitions(wanted.only(Set(changes.map(\.object))))
        let rest = try await check(wanted, via: broker).filter { $0.kind != .extra }
        guard rest.isEmpty else {
            throw TopologyError(.notApplied, "The broker accepted the definitions, yet: \(list(rest.map(\.description)))")
        }
        return changes
    }

    /// The differences between the definitions and the broker. Extra objects are reported only within Wharf's part: names that begin as the definitions' own
    /// do, bindings of their exchanges and queues, permissions of their users, policies that match their queues.
    /// - Throws: ``TopologyError`` with code `broker`; any error of `broker` when it cannot be reached.
    public static func check(_ definitions: Definitions, via broker: BrokerManagement) async throws -> [Drift] {
        let held = try await broker.definitions()
        return Comparison(wanted: definitions.fitted(to: held, nodeCount: try await broker.nodes().count), held: held).drift()
    }

    /// Longer than queries and credentials may wait in their queues, so that these are empty by then.
    public static let longestDrain: Duration = .seconds(70)
    static let drainPause: Duration = .milliseconds(200)

    /// Deletes an empty queue and recreates it with its bindings. In between, for some milliseconds, requests for it are rejected.
    /// - Returns: false when it did not become empty.
    private static func renew(
        _ queue: Definitions.Queue, of wanted: Definitions, lacking drift: [Drift], via broker: BrokerManagement, _ clock: (any WallClock)?
    ) async throws -> Bool {
        var attempts = clock == nil ? 0 : Int(longestDrain / drainPause)
        while try await !broker.deleteIfEmpty(queue) {
            guard attempts > 0, let clock else { return false }
            attempts -= 1
            try await clock.sleep(for: drainPause)
        }
        let bindings = wanted.bindings.filter { $0.virtualHost == queue.virtualHost && $0.destination == queue.name }
        // A binding needs its exchange, and the queue needs its limits from the start.
        let lacking = wanted.exchanges.map(\.title).filter { title in drift.contains { $0.object == title } }
        let part = [queue.title] + bindings.map(\.title) + lacking + wanted.policies(for: queue).map(\.title)
        try await broker.importDefinitions(wanted.only(Set(part)))
        return true
    }

    private static func conflict(_ conflicts: [Drift]) -> TopologyError {
        TopologyError(
            .conflict,
            "The broker cannot change these; drain and delete them, then apply again: \(list(conflicts.map { "\($0.object): \($0.detail)" }))")
    }

    private static func list(_ items: [String]) -> String {
        items.joined(separator: "; ")
    }
}

extension Definitions {
    /// The definitions with the password hashes that the broker should have, and the users whose password this changes.
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
