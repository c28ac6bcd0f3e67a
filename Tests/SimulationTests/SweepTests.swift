import FoundationEssentials
import LocalServers
import Synchronization
import Testing

@testable import Simulation

/// `wharf-dev simulate` as a process of its own: the result of a seed must not depend on the process.
@Suite(.serialized, .timeLimit(.minutes(5))) struct SweepTests {
    @Test func `the same seed gives the same trace in every process`() async throws {
        let first = try await simulate("--seed", "7")
        let second = try await simulate("--seed", "7")
        #expect(first.status == .exited(0))
        #expect(first.lines.first?.contains("trace ") == true)
        #expect(first.lines == second.lines)
    }

    /// As many as fit; the seeds are printed with the failure.
    @Test func `fresh seeds break no promise`() async throws {
        let sweep = try await simulate("--seeds", "1000", "--seconds", "35")
        #expect(sweep.isGood(), "\(sweep.lines.suffix(20).joined(separator: "\n"))")
    }

    @Test func `a crash at any one call breaks no promise`() async throws {
        let crashes = try await simulate("--crash-each", "37", "--customers", "4", "--seconds", "15")
        #expect(crashes.status == .exited(0), "\(crashes.lines.suffix(20).joined(separator: "\n"))")
    }

    @Test(arguments: Sabotage.allCases)
    func `a deliberately broken program is detected, and the command that replays it is printed`(_ sabotage: Sabotage) async throws {
        // It ends with the first seed that detects it.
        let sweep = try await simulate("--seeds", "80", "--base", "50", "--sabotage", sabotage.rawValue)
        #expect(sweep.status == .exited(1))
        #expect(sweep.lines.contains { $0.hasPrefix("To replay it:  wharf-dev simulate --seed ") })
    }

    private struct Run {
        let status: ManagedProcess.ExitStatus?
        let lines: [String]

        /// A sweep that the machine was too slow to complete may have missed a moment, and nothing else.
        func isGood() -> Bool {
            status == .exited(0) || lines.last?.hasPrefix("Never reached") == true
        }
    }

    private func simulate(_ arguments: String...) async throws -> Run {
        let store = Lines()
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let process = ManagedProcess(
            name: "wharf-dev",
            command: ProcessCommand(Self.executable, ["simulate"] + arguments, inheritsEnvironment: true, workingFolder: root.path),
            output: .lines { store.add($0) })
        try await process.start()
        let status = await process.exit
        return Run(status: status, lines: store.all)
    }

    /// The executables that are built beside the tests.
    private static var executable: String {
        let tests = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        return URL(filePath: tests ?? "").deletingLastPathComponent().appending(path: "wharf-dev").path
    }

    private final class Lines: Sendable {
        private let lines = Mutex<[String]>([])

        func add(_ line: String) {
            lines.withLock { $0.append(line) }
        }

        var all: [String] { lines.withLock { $0 } }
    }
}
