import Contracts
import FoundationEssentials
import Operator
import Terminal

/// The jobs, newest first.
struct JobsPage: Sendable {
    static let limit = 50

    let list: Listed<LetterJob>
    let isFirst: Bool
    let now: Date

    static let routes = [Route(.get, "jobs", .jobs, show)]

    private static func show(_ visit: Visit) async throws -> Outcome {
        let parameters = visit.query.among(["cursor"]).merging(["limit": "\(limit)"]) { $1 }
        let page = JobsPage(list: try await visit.services.ask(.jobs, parameters), isFirst: !visit.query.has("cursor"), now: visit.now)
        return .page(Page(title: "Jobs", section: .jobs, content: page.markup))
    }

    var markup: Markup {
        "<h1>Jobs</h1><p class=\"lead\">Replays, discards and restores of many letters. Start them from the list of letters.</p>\(table)\(Part.pager(["jobs"], [:], next: list.nextCursor, isFirst: isFirst))"
    }

    private var table: Markup {
        guard !list.items.isEmpty else { return Part.empty("There are no jobs.") }
        let rows = list.items.map { job -> [Markup] in
            [
                "\(Part.link("\(job.action.printable) \(job.id.shortID)", Link.to("jobs", job.id), class: "title"))<span class=\"sub\">\(JobPage.phrase(job.filter))</span>",
                JobPage.state(job), "\(job.selected)", "\(job.sent)", "\(job.handled)", "\(job.diedAgain)", "\(job.skipped)", Part.age(job.startedAt, now), "\(job.startedBy.printable)",
            ]
        }
        return Table(
            "Jobs",
            [
                .init("Job"), .init("State"), .init("Selected", .number, wide: true), .init("Done", .number), .init("Handled", .number, wide: true),
                .init("Died again", .number, wide: true), .init("Skipped", .number, wide: true), .init("Started", .number), .init("By", wide: true),
            ], rows
        ).markup
    }
}
