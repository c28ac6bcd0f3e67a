import IOThreads
import Logging
import ServiceLifecycle
import Synchronization
import TestKit
import Testing

@testable import Assembly

/// A worker's service that starts once a condition holds.
@Suite struct ThreadBoundTests {
    private final class Recorder: Service {
        let started = Mutex(false)
        var hasStarted: Bool { started.withLock { $0 } }

        func run() async throws {
            started.withLock { $0 = true }
            try? await gracefulShutdown()
        }
    }

    /// A condition that holds once the test opens the gate, and how often it has been checked.
    private final class Gate: Sendable {
        let state = Mutex((isOpen: false, looks: 0))
        var looks: Int { state.withLock { $0.looks } }

        func open() { state.withLock { $0.isOpen = true } }

        func wait() async throws {
            while !state.withLock({ state in
                state.looks += 1
                return state.isOpen
            }) { try await Task.sleep(for: .milliseconds(1)) }
        }
    }

    private func run(_ service: any Service, _ gate: Gate, _ body: @escaping @Sendable () async throws -> Void) async throws {
        let bound = ThreadBound(service: service, thread: try IOThread(named: "test"), start: gate.wait)
        let group = ServiceGroup(services: [bound], logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            try await body()
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
    }

    @Test func `it is not started before its condition holds`() async throws {
        let (recorder, gate) = (Recorder(), Gate())
        try await run(recorder, gate) {
            try await eventually { gate.looks > 0 }
            #expect(!recorder.hasStarted)
            gate.open()
            try await eventually { recorder.hasStarted }
        }
    }

    @Test func `a process that is stopped before then ends without starting it`() async throws {
        let (recorder, gate) = (Recorder(), Gate())
        try await run(recorder, gate) { try await eventually { gate.looks > 0 } }
        #expect(!recorder.hasStarted)
    }
}
