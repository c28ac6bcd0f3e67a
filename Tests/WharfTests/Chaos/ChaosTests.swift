import FoundationEssentials
import Glibc
import LocalServers
import TestKit
import Testing

@testable import Bench
@testable import Chaos
@testable import Up

/// `wharf-dev chaos` as it is run, cut short. One shop at a time: each has a broker and twenty roles to start.
@Suite(.serialized, .timeLimit(.minutes(10))) struct `Chaos` {
    private static let seconds = 20
    /// However long a busy machine takes to start a shop.
    private static let endsWithin = Duration.seconds(500)
    /// Faults after which orders take minutes to settle, by design, or that last longer than the shortened run.
    private static let slow: Set<FaultKind> = [.gatewayFails, .roleStoppedForLong]

    @Test func `everything adds up after a few faults, and nothing is left behind`() async throws {
        let seed = try #require(
            (UInt64.random(in: 0...99_999)...).lazy.first { seed in
                let kinds = Set(ChaosSchedule(seed: seed, seconds: Self.seconds).injections.map(\.kind))
                return kinds.count >= 3 && kinds.isDisjoint(with: Self.slow)
            })
        print("wharf-dev chaos --seed \(seed) --seconds \(Self.seconds)")
        let printed = LineStore()
        let process = chaos(seed: seed, printed)
        try await process.start()
        try await eventually("The end of wharf-dev chaos", within: Self.endsWithin) { await !process.isRunning }
        let text = printed.all.joined(separator: "\n")
        #expect(await process.exit == .exited(0), "\(text)")
        let (printsSchedule, isClean) = (text.contains(ChaosSchedule(seed: seed, seconds: Self.seconds).text), text.contains("violations: 0"))
        #expect(printsSchedule && isClean)
    }

    @Test func `none of its processes outlives it, even when it is killed`() async throws {
        let printed = LineStore()
        let process = chaos(seed: 1, printed)
        try await process.start()
        let id = try #require(await process.pid)
        try await eventually("Servers and roles", within: .seconds(300)) { Self.descendants(of: id).count > 20 }
        let children = Self.descendants(of: id)
        kill(id, SIGKILL)
        // The kernel signals each of its children, and theirs end with them.
        try await eventually("The end of all", within: .seconds(30)) { !children.contains { kill($0, 0) == 0 } }
        for folder in try FileManager.default.contentsOfDirectory(atPath: "/var/tmp") where folder.hasPrefix("wharf-chaos-\(id)-") {
            try FileManager.default.removeItem(atPath: "/var/tmp/\(folder)")
        }
    }

    private func chaos(seed: UInt64, _ printed: LineStore) -> ManagedProcess {
        ManagedProcess(
            name: "wharf-dev chaos",
            command: ProcessCommand(
                RunningWharf.developmentExecutable, ["chaos", "--seed", "\(seed)", "--seconds", "\(Self.seconds)"], inheritsEnvironment: false,
                workingFolder: RunningWharf.repository()),
            output: .lines { printed.add($0) })
    }

    /// By `/proc`, however deep.
    private static func descendants(of root: Int32) -> [Int32] {
        var children: [Int32: [Int32]] = [:]
        for entry in (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? [] {
            guard let id = Int32(entry), let data = try? Data(contentsOf: URL(filePath: "/proc/\(id)/stat")) else { continue }
            let fields = String(decoding: data, as: UTF8.self).split(separator: ")").last?.split(separator: " ") ?? []
            guard fields.count > 1, let parent = Int32(fields[1]) else { continue }
            children[parent, default: []].append(id)
        }
        var found: [Int32] = []
        var roots = [root]
        while let next = roots.popLast() {
            let below = children.removeValue(forKey: next) ?? []
            found += below
            roots += below
        }
        return found
    }
}
