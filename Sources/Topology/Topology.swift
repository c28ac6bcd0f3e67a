import Runtime
import Secrets

/// Brings `topology/definitions.json` to a broker, and tells how far a broker is from it. Nothing is deleted but an empty queue of another type, which is
/// made again at once.
public enum Topology {
    /// Makes the broker hold the definitions, and returns what had to be changed: nothing when it did already.
    ///
    /// A user who is in `passwords` gets that password; every other user keeps the one it has in the broker, or has none and cannot log in.
    ///
    /// A queue that exists with other fixed properties, such as its type, is made anew once it is empty: what its consumers hold they handle, and they come
    /// back to the new one.
    /// - Parameters:
    ///   - passwords: password by user name.
    ///   - clock: to wait, for ``longestDrain`` a queue, until such a queue is empty; without one it must be empty already.
    /// - Throws: ``TopologyError``; whatever `broker` throws when it cannot be reached.
    @discardableResult
    public static func apply(
        _ definitions: Definitions, passwords: [String: String] = [:], via broker: BrokerManagement, clock: (any WallClock)? = nil
    ) async throws -> [Drift] {
        let strangers = Set(passwords.keys).subtracting(definitions.users.map(\.name)).sorted()
        guard strangers.isEmpty else {
            throw TopologyError(.unknownUser, "Passwords were given for users that the definitions do not have: \(list(strangers))")
        }
        let held = try await broker.definitions()
        let (wanted, renewed) = try definitions.fitted(to: held, nodeCount: try await broker.nodeCount()).withPasswords(passwords, keeping: held.users)
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
        // No more than that: what is written again is decided again, and a virtual host loses its description. A queue that was made anew is written twice,
        // as the broker may have said so before each of its nodes knew.
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
        let held = try await broker.definitions()
        return Comparison(wanted: definitions.fitted(to: held, nodeCount: try await broker.nodeCount()), held: held).drift()
    }

    /// Longer than queries and credentials may wait in their queues, so that these are empty by then.
    public static let longestDrain: Duration = .seconds(70)
    static let drainPause: Duration = .milliseconds(200)

    /// Deletes an empty queue and makes it again, with its bindings. In between, for some milliseconds, requests for it are turned away.
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
        // A binding needs its exchange, and the queue its limits from the beginning.
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
