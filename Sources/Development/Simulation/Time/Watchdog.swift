import Dispatch
import Glibc
import Synchronization

/// Reports what a simulation waits for when it makes no progress in real time: its thread has started no job, and nothing else, for longer than any statement takes.
///
/// Virtual time cannot show this: while the simulation's thread waits for PostgreSQL, no virtual time passes.
final class Watchdog: Sendable {
    /// What the simulation's thread is doing.
    enum Doing: Sendable, Equatable {
        case connecting
        /// A job of the program; the number of jobs before it.
        case job(Int)
        /// A timer of virtual time.
        case timer
        /// A statement on the session that this server process serves.
        case statement(backend: Int32)
        /// The run has ended. Tasks of killed processes keep the run's objects, and this one, alive.
        case ended
    }

    /// The longest real time that a step may take on a busy machine.
    static let timeout = Duration.seconds(30)

    private struct State {
        var doing = Doing.connecting
        var since = ContinuousClock.now
        /// Sessions that wait for each other's locks, by their server processes.
        var waiting: [Int32] = []
        var isReported = false
    }

    private let state = Mutex(State())
    private let timeout: Duration
    private let report: @Sendable (String) -> Void
    /// Has its own queue, because the thread pools that the simulation uses may be exhausted.
    private let queue = DispatchQueue(label: "simulation watchdog")

    /// - Parameter report: Receives one text each time that the simulation stands still; standard error by default.
    init(timeout: Duration = Watchdog.timeout, report: @escaping @Sendable (String) -> Void = Watchdog.complain) {
        self.timeout = timeout
        self.report = report
        lookAgain()
    }

    /// Watches for as long as the simulation keeps this object.
    private func lookAgain() {
        queue.asyncAfter(deadline: .now() + .milliseconds(Int(timeout / 4 / .milliseconds(1)))) { [weak self] in
            guard let self else { return }
            look()
            lookAgain()
        }
    }

    /// The simulation's thread begins something else.
    func note(_ doing: Doing) {
        state.withLock { state in
            (state.doing, state.since, state.isReported) = (doing, .now, false)
        }
    }

    func note(waiting: [Int32]) {
        state.withLock { $0.waiting = waiting }
    }

    func look(at now: ContinuousClock.Instant = .now) {
        let text = state.withLock { state -> String? in
            let still = now - state.since
            guard state.doing != .ended, !state.isReported, still >= timeout else { return nil }
            state.isReported = true
            return Self.text(state, still)
        }
        if let text { report(text) }
    }

    private static func text(_ state: State, _ still: Duration) -> String {
        var lines = ["The simulation has stood still for \(still.components.seconds) s: \(name(of: state.doing))."]
        var backends = state.waiting
        if case .statement(let backend) = state.doing, !backends.contains(backend) { backends.append(backend) }
        // T is stopped, S asleep, R running. If others wait for a stopped process, the simulation itself is wrong.
        for backend in backends { lines.append("PostgreSQL's process \(backend) is in the state \(processState(backend)).") }
        lines.append("Its own threads: \(threadStates()).")
        return lines.joined(separator: "\n") + "\n"
    }

    private static func name(of doing: Doing) -> String {
        switch doing {
        case .connecting: "it waits for a connection to PostgreSQL"
        case .job(let number): "its job \(number) has not ended"
        case .timer: "a timer has not ended"
        case .ended: "it has ended"
        case .statement(let backend): "it waits for a statement of PostgreSQL's process \(backend)"
        }
    }

    private static func processState(_ process: Int32) -> String { status("/proc/\(process)/stat") ?? "gone" }

    /// The number of threads in each state.
    private static func threadStates() -> String {
        var counts: [String: Int] = [:]
        for thread in names(in: "/proc/self/task") { counts[status("/proc/self/task/\(thread)/stat") ?? "gone", default: 0] += 1 }
        return counts.sorted { $0.key < $1.key }.map { "\($0.value) in \($0.key)" }.joined(separator: ", ")
    }

    private static func names(in folder: String) -> [String] {
        guard let directory = unsafe opendir(folder) else { return [] }
        defer { unsafe closedir(directory) }
        var names: [String] = []
        while let entry = unsafe readdir(directory) {
            let name = unsafe withUnsafePointer(to: entry.pointee.d_name) { unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) } }
            if Int(name) != nil { names.append(name) }
        }
        return names
    }

    /// The letter after the name in brackets.
    private static func status(_ file: String) -> String? {
        let descriptor = unsafe open(file, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: 512)
        let count = unsafe buffer.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
        guard count > 0 else { return nil }
        return String(decoding: buffer.prefix(count), as: UTF8.self).split(separator: ")").last?.split(separator: " ").first.map(String.init)
    }

    static func complain(_ text: String) {
        let bytes = Array(text.utf8)
        _ = unsafe bytes.withUnsafeBytes { unsafe write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
}
