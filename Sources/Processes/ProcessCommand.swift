import FoundationEssentials
import Glibc
import Subprocess

/// What to run: a program, its arguments and its surroundings.
public struct ProcessCommand: Sendable {
    /// An absolute path.
    public var executable: String
    public var arguments: [String]
    /// Variables to set, over those of this process when ``inheritsEnvironment``.
    public var environment: [String: String]
    /// False leaves PATH and nothing else, so that a developer's PGDATA or RABBITMQ_NODENAME reaches no private server.
    public var inheritsEnvironment: Bool
    /// nil for the working folder of this process.
    public var workingFolder: String?
    /// The account to run as, which only root can ask for; nil for the account of this process.
    public var account: String?
    /// Text for its standard input, to which a line break is added; at most 64 KiB, without U+0000. nil for an empty standard input.
    public var input: String?

    public init(
        _ executable: String,
        _ arguments: [String] = [],
        environment: [String: String] = [:],
        inheritsEnvironment: Bool = true,
        workingFolder: String? = nil,
        account: String? = nil,
        input: String? = nil
    ) {
        self.executable = executable
        self.arguments = arguments
        self.environment = environment
        self.inheritsEnvironment = inheritsEnvironment
        self.workingFolder = workingFolder
        self.account = account
        self.input = input
    }
}

extension ProcessCommand {
    /// The command as a child that cannot outlive this process.
    ///
    /// - `setpriv --pdeathsig KILL` asks the kernel to kill the child when its parent dies. For the kernel the parent
    ///   is the *thread* that forked; Subprocess forks on one worker thread that lives until the process exits. The
    ///   request survives exec, so it holds for a server whose start script execs it.
    /// - The parent may have died before that request was made: the shell compares its parent with the one it should have.
    /// - A separate session shields the process from a terminal's Ctrl-C and lets stragglers be killed together. Linux shares processors among sessions
    ///   (autogroups), so a PostgreSQL connection, which has its own, does not outweigh all services together.
    /// - The shell writes the input, as a here-document: if this process wrote it to a pipe, a child that does not read it could kill this process with SIGPIPE.
    package func tiedToThisProcess(log: String? = nil) -> Configuration {
        var script = "[ \"$PPID\" = \(getpid()) ] || exit 125; "
        script += "if [ -n \"$1\" ]; then cd \"$1\" || exit 126; fi; "
        script += "if [ -n \"$2\" ]; then exec >>\"$2\" 2>&1 || exit 126; fi; shift 2; "
        script += input == nil ? "exec \"$@\"" : "input=$\(Self.inputVariable); unset \(Self.inputVariable); exec \"$@\" <<END\n$input\nEND"
        var words = ["--pdeathsig", "KILL"]
        if let account { words += ["--reuid", account, "--regid", account, "--init-groups"] }
        words += ["/bin/sh", "-c", script, "sh", workingFolder ?? "", log ?? "", executable]

        var options = PlatformOptions()
        options.createSession = true
        return Configuration(
            executable: .name("setpriv"),
            arguments: Arguments(words + arguments),
            environment: subprocessEnvironment,
            platformOptions: options
        )
    }

    /// Passes the input to the shell; the command itself does not get this variable.
    private static let inputVariable = "WHARF_STANDARD_INPUT"

    private var subprocessEnvironment: Environment {
        var values: [Environment.Key: String] = [:]
        if !inheritsEnvironment {
            values["PATH"] = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
            values["LC_ALL"] = "C.UTF-8"
        }
        for (name, value) in environment.merging(input.map { [Self.inputVariable: $0] } ?? [:], uniquingKeysWith: { $1 }) {
            if let key = Environment.Key(rawValue: name) { values[key] = value }
        }
        return inheritsEnvironment ? .inherit.updating(values) : .custom(values)
    }
}
