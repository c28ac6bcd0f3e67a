import Contracts
import FoundationEssentials
import JSON
import Operator
import Terminal

/// One job, and its progress while it runs.
struct JobPage: Sendable {
    /// The interval of reloads, in seconds.
    private static let pause = 2

    let job: LetterJob
    let context: PageContext

    static let routes =
        JobStart.routes + [
            Route(.get, "jobs/:id", .jobs, show),
            Route(.post, "jobs/:id/cancel", .jobs) { visit in
                try await visit.services.act(.cancelJob, ["id": visit.id])
                return .done(.cancelled, "jobs", visit.id)
            },
            Route(.post, "jobs/:id/resume", .jobs) { visit in
                try await visit.services.act(.resumeJob, ["id": visit.id])
                return .done(.resumed, "jobs", visit.id)
            },
        ]

    private static func show(_ visit: Visit) async throws -> Outcome {
        let page = JobPage(job: try await visit.services.ask(.job, ["id": visit.id]), context: visit.page)
        return .page(Page(title: "Job \(page.job.id.shortID)", section: .jobs, content: page.markup, reload: page.job.isRunning ? pause : nil))
    }

    var markup: Markup {
        """
        <header class="head"><h1>\(Self.title(job.action)) \(Self.state(job))</h1>\(buttons)</header>\
        <div class="panel">\(Chart.progress(job.percent, label: "Progress"))<p>\(job.line)</p><p class="live soft"></p></div>\
        \(Part.facts(facts))\(orders)
        """
    }

    private var buttons: Markup {
        let cancel = Field.form(Link.to("jobs", job.id, "cancel"), context, class: "inline", "<button class=\"bad\">Cancel the job</button>")
        let resume = Field.form(Link.to("jobs", job.id, "resume"), context, class: "inline", "<button class=\"accent\">Resume</button>")
        switch job.state {
        case "running": return "<div class=\"buttons\">\(cancel)</div>"
        case "stopped": return "<div class=\"buttons\">\(resume)\(cancel)</div>"
        default: return .nothing
        }
    }

    private var facts: [(String, Markup?)] {
        let skips = (job.skips ?? [:]).sorted { $0.key < $1.key }.map { "\($0.value) \($0.key.printable)" }.joined(separator: ", ")
        return [
            ("Selects", "\(Self.phrase(job.filter))"), ("Selected", "\(job.selected)"), ("Done", "\(job.sent)"), ("Handled", "\(job.handled)"), ("Died again", "\(job.diedAgain)"),
            ("Outcome unknown", job.unknown.map { "\($0)" }), ("Skipped", "\(job.skipped)" + (skips.isEmpty ? .nothing : " <span class=\"soft\">\(skips)</span>")),
            ("Reason", job.reason.map { "\($0.printable)" }), ("Started", "\(Part.moment(job.startedAt)) by \(job.startedBy.printable)"), ("Ended", job.finishedAt.map(Part.moment)),
        ]
    }

    private var orders: Markup {
        guard let orders = job.orders, !orders.isEmpty else { return .nothing }
        let rows = orders.sorted { $0.key < $1.key }.map { ["\($0.key.printable)", "\($0.value)"] as [Markup] }
        return Part.section("Orders of its letters", Table("Orders of its letters", [.init("State"), .init("Orders", .number)], rows).markup)
    }

    static func title(_ action: String) -> String { "\(LetterDecision(rawValue: action)?.title ?? action.printable) of letters" }

    static func state(_ job: LetterJob) -> Markup {
        let tone: Tone =
            switch job.state {
            case "running": .accent
            case "finished": .good
            case "stopped": .bad
            default: .plain
            }
        return Part.badge(job.isRunning ? job.phase ?? job.state : job.state, tone)
    }

    static func phrase(_ filter: [String: String]) -> String { LetterSelection(Form(filter)).phrase }
}
