import Assembly
import LocalServers
import LocalState

/// The processes that `wharf-dev up` runs.
package struct Crew: Sendable {
    /// A role cuts its own shutdown off before, and says so in its log.
    package static let grace = Role.longestShutdown + .seconds(5)

    package let ingress: [Keeper]
    package let workers: [Keeper]
    package let sandbox: [Keeper]

    /// - Parameters:
    ///   - members: nothing of them runs yet.
    ///   - probe: finds out whether one has become ready.
    package init(_ members: [CrewMember], executables: Executables, environment: ChildEnvironment, folder: StateFolder, probe: HealthProbe) {
        func keepers(_ isMeant: (CrewMember.Kind) -> Bool) -> [Keeper] {
            members.filter { isMeant($0.kind) }.map { member in
                let log = LogFile(path: folder.log(of: member.name))
                let command = ProcessCommand(
                    executables.path(of: member.kind), member.arguments, environment: environment.variables(for: member.kind), inheritsEnvironment: false)
                let process = ManagedProcess(name: member.name, command: command, output: .file(log.path))
                return Keeper(
                    name: member.name, role: member.role, process: process, log: log,
                    start: { try await process.start() }, stop: { await process.stop(grace: Self.grace) },
                    isReady: { await probe.isReady($0) },
                    health: {
                        guard let pid = await process.pid else { return .init(.ended) }
                        return await probe.health(ofRole: pid)
                    })
            }
        }
        ingress = keepers { $0 == .ingress }
        workers = keepers { if case .worker = $0 { true } else { false } }
        sandbox = keepers { if case .sandbox = $0 { true } else { false } }
    }

    /// Ends them all at once and returns when they have ended.
    package static func stop(_ keepers: [Keeper]) async {
        await withTaskGroup(of: Void.self) { group in
            for keeper in keepers { group.addTask { await keeper.stop() } }
        }
    }
}
